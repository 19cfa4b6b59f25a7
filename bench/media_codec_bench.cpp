// What 20 ms of one stream cost: encoding, decoding, and a packet's way through the jitter buffer.
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "media/ingest.hpp"
#include "media/jitter_buffer.hpp"
#include "media/opus_codec.hpp"

namespace {

using namespace hushcast;  // NOLINT(google-build-using-namespace): a program of one file
using media::kMaxPayloadBytes;

constexpr std::size_t kPacketSamples = 960;

/// A tone in noise, so that the encoder has something to do.
std::vector<float> sound() {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same every time
    std::normal_distribution<float> noise(0.0F, 0.02F);
    std::vector<float> samples(50 * kPacketSamples);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] = 0.3F * std::sin(static_cast<float>(i) * 0.03F) + noise(random);
    }
    return samples;
}

std::vector<std::vector<std::uint8_t>> packets() {
    media::Encoder encoder({.bitrate_bps = 128'000});
    const std::vector<float> pcm = sound();
    std::vector<std::vector<std::uint8_t>> encoded;
    for (std::size_t at = 0; at < pcm.size(); at += kPacketSamples) {
        encoded.emplace_back(kMaxPayloadBytes);
        encoded.back().resize(
            encoder.encode(std::span(pcm).subspan(at, kPacketSamples), encoded.back()));
    }
    return encoded;
}

void encode_20ms(benchmark::State& state) {
    media::Encoder encoder({.complexity = static_cast<int>(state.range(0))});
    const std::vector<float> pcm = sound();
    std::vector<std::uint8_t> out(kMaxPayloadBytes);
    std::size_t at = 0;
    while (state.KeepRunning()) {
        benchmark::DoNotOptimize(encoder.encode(std::span(pcm).subspan(at, kPacketSamples), out));
        at = (at + kPacketSamples) % pcm.size();
    }
}
BENCHMARK(encode_20ms)->Arg(5)->Arg(9);

void decode_20ms(benchmark::State& state) {
    media::Decoder decoder;
    const auto encoded = packets();
    std::vector<float> out(kPacketSamples);
    std::size_t next = 0;
    while (state.KeepRunning()) {
        benchmark::DoNotOptimize(decoder.decode(encoded[next], out));
        next = (next + 1) % encoded.size();
    }
}
BENCHMARK(decode_20ms);

/// Every tenth packet lost where the argument says so.
void buffer_20ms(benchmark::State& state) {
    media::JitterBuffer buffer({});
    const auto encoded = packets();
    Time now{};
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    while (state.KeepRunning()) {
        now += std::chrono::milliseconds(20);
        if (state.range(0) == 0 || sequence % 10 != 9) {
            buffer.insert(now, sequence, timestamp, encoded[sequence % encoded.size()]);
        }
        ++sequence;
        timestamp += kPacketSamples;
        while (auto step = buffer.pop(now)) benchmark::DoNotOptimize(step);
    }
}
BENCHMARK(buffer_20ms)->Arg(0)->Arg(1);

void ingest_20ms(benchmark::State& state) {
    media::Ingest ingest;
    const auto encoded = packets();
    std::vector<float> out(media::Ingest::kMaxHops * media::Ingest::kHopSamples);
    Time now{};
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    while (state.KeepRunning()) {
        now += std::chrono::milliseconds(20);
        ingest.insert(now, sequence, timestamp, encoded[sequence % encoded.size()]);
        ++sequence;
        timestamp += kPacketSamples;
        benchmark::DoNotOptimize(ingest.pull(now, out));
    }
}
BENCHMARK(ingest_20ms);

}  // namespace

BENCHMARK_MAIN();
