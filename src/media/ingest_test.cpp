#include "media/ingest.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/test_snr.hpp"

namespace hushcast::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Payload = std::vector<std::uint8_t>;

constexpr Time kStart = Time{} + seconds(1'000);
constexpr std::size_t kHop = Ingest::kHopSamples;

std::vector<float> tone(std::size_t samples) {
    std::vector<float> sound(samples);
    for (std::size_t i = 0; i < samples; ++i) {
        const double phase =
            2.0 * std::numbers::pi * 440.0 * static_cast<double>(i) / kSampleRateHz;
        sound[i] = static_cast<float>(0.4 * std::sin(phase));
    }
    return sound;
}

std::vector<Payload> packets_of(std::span<const float> sound, std::size_t samples) {
    Encoder encoder({});
    std::vector<Payload> packets;
    for (std::size_t at = 0; at + samples <= sound.size(); at += samples) {
        Payload payload(kMaxPayloadBytes);
        payload.resize(encoder.encode(sound.subspan(at, samples), payload));
        packets.push_back(payload);
    }
    return packets;
}

struct Heard {
    std::vector<float> samples;
    std::vector<Origin> origins;
};

/// Sends each packet when its sound is over and pulls every 10 ms; `lost` says which never come.
Heard broadcast(
    const std::vector<Payload>& packets,
    std::size_t samples,
    std::size_t hops,
    const std::function<bool(std::size_t)>& lost = [](std::size_t) { return false; }) {
    Ingest ingest;
    Heard heard;
    std::size_t next = 0;
    for (std::size_t tick = 1; tick <= hops; ++tick) {
        const Time now = kStart + tick * milliseconds(10);
        for (; (next + 1) * samples <= tick * kHop && next < packets.size(); ++next) {
            if (lost(next)) continue;
            ingest.insert(now, static_cast<std::uint16_t>(next),
                          static_cast<std::uint32_t>(next * samples), packets[next]);
        }
        std::array<float, Ingest::kMaxHops * kHop> out{};
        std::array<Origin, Ingest::kMaxHops> origins{};
        const std::size_t got = ingest.pull(now, out, origins);
        heard.samples.insert(heard.samples.end(), out.begin(),
                             out.begin() + static_cast<std::ptrdiff_t>(got * kHop));
        heard.origins.insert(heard.origins.end(), origins.begin(),
                             origins.begin() + static_cast<std::ptrdiff_t>(got));
    }
    return heard;
}

TEST(Ingest, WhatGoesInComesOutWhateverThePacketsLength) {
    const std::vector<float> sound = tone(2 * 48'000);
    for (const std::size_t samples : {120U, 240U, 480U, 960U, 1920U, 2880U}) {
        const Heard heard = broadcast(packets_of(sound, samples), samples, 200);
        ASSERT_GE(heard.samples.size(), sound.size() - samples) << samples;
        ASSERT_EQ(heard.samples.size() % kHop, 0U);
        EXPECT_THAT(heard.origins, testing::Each(Origin::Received)) << samples;
        const std::size_t delay = Encoder({}).delay_samples();
        const std::size_t compared = 48'000;
        EXPECT_GT(snr_db(std::span(sound).subspan(24'000, compared),
                         std::span(heard.samples).subspan(24'000 + delay, compared)),
                  20.0)
            << samples;
    }
}

TEST(Ingest, IsTheSameAsDecodingThePacketsInARow) {
    const std::vector<Payload> packets = packets_of(tone(48'000), 960);
    const Heard heard = broadcast(packets, 960, 100);
    Decoder decoder;
    std::vector<float> wanted(48'000);
    for (std::size_t i = 0; i < packets.size(); ++i) {
        ASSERT_EQ(decoder.decode(packets[i], std::span(wanted).subspan(i * 960, 960)), 960U);
    }
    EXPECT_EQ(heard.samples, wanted);
}

TEST(Ingest, LossIsMarkedAndKeepsTheTimeLine) {
    const std::vector<float> sound = tone(4 * 48'000);
    std::mt19937 random(1);
    std::vector<bool> lost(200);
    for (std::size_t i = 1; i + 1 < lost.size(); ++i) lost[i] = random() % 100 < 30;
    const Heard heard =
        broadcast(packets_of(sound, 960), 960, 404, [&](std::size_t i) { return lost[i]; });
    ASSERT_EQ(heard.samples.size(), sound.size());
    for (std::size_t i = 0; i < lost.size(); ++i) {
        const Origin expected = lost[i] ? Origin::Concealed : Origin::Received;
        EXPECT_EQ(heard.origins[2 * i], expected) << i;
        EXPECT_EQ(heard.origins[2 * i + 1], expected) << i;
    }
}

TEST(Ingest, LongOutageFadesToSilenceAndEnds) {
    const std::vector<float> sound = tone(8 * 48'000);
    const Heard heard = broadcast(packets_of(sound, 960), 960, 800,
                                  [](std::size_t i) { return i >= 100 && i < 350; });
    ASSERT_EQ(heard.samples.size(), sound.size());
    const auto loudest = [&](std::size_t from, std::size_t count) {
        float peak = 0.0F;
        for (std::size_t i = from; i < from + count; ++i) {
            peak = std::max(peak, std::abs(heard.samples[i]));
        }
        return peak;
    };
    EXPECT_GT(loudest(96'000, 960), 0.1F) << "at first the sound is guessed";
    EXPECT_EQ(loudest(96'000 + 9'600, 48'000 * 4), 0.0F) << "then there is silence";
    EXPECT_GT(loudest(48'000 * 7, 48'000), 0.3F) << "and the sound is back";
    EXPECT_EQ(heard.origins[250], Origin::Concealed);
    EXPECT_EQ(heard.origins.back(), Origin::Received);
}

TEST(Ingest, GivesNoMoreThanThereIsRoomFor) {
    const std::vector<Payload> packets = packets_of(tone(48'000), 960);
    Ingest ingest;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        ingest.insert(kStart, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(i * 960),
                      packets[i]);
    }
    std::vector<float> out(100 * kHop);
    EXPECT_EQ(ingest.pull(kStart, {}), 0U);
    EXPECT_EQ(ingest.pull(kStart, std::span(out).first(kHop - 1)), 0U);
    EXPECT_EQ(ingest.pull(kStart, std::span(out).first(kHop)), 1U);
    EXPECT_EQ(ingest.pull(kStart, std::span(out).first(3 * kHop + 7)), 3U);
    EXPECT_EQ(ingest.pull(kStart, out), Ingest::kMaxHops);
    std::size_t rest = 0;
    while (const std::size_t hops = ingest.pull(kStart, out)) rest += hops;
    EXPECT_EQ(rest, 100U - 1 - 3 - Ingest::kMaxHops);
}

TEST(Ingest, GarbageFramesPassAsConcealment) {
    // A TOC that parses before bytes that need not: whatever the decoder says, 20 ms are 20 ms.
    std::mt19937 random(2);
    Ingest ingest;
    std::vector<float> out(Ingest::kMaxHops * kHop);
    std::size_t hops = 0;
    for (std::uint16_t i = 0; i < 500; ++i) {
        Payload garbage(1 + random() % 60);
        for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
        garbage[0] = static_cast<std::uint8_t>(random() & 0xF8U);
        if (packet_samples(garbage) != 960) garbage[0] = 31 << 3;
        const Time now = kStart + i * milliseconds(20);
        ingest.insert(now, i, i * 960U, garbage);
        const std::size_t got = ingest.pull(now, out);
        hops += got;
        for (const float sample : std::span(out).first(got * kHop)) {
            ASSERT_TRUE(std::isfinite(sample));
        }
    }
    EXPECT_EQ(hops, 1'000U);
}

TEST(Ingest, ResetBeginsAnotherStream) {
    const std::vector<Payload> packets = packets_of(tone(9'600), 120);
    Ingest ingest;
    std::vector<float> out(Ingest::kMaxHops * kHop);
    ingest.insert(kStart, 0, 0, packets[0]);
    EXPECT_EQ(ingest.pull(kStart, out), 0U) << "a quarter of a hop";
    ingest.reset();
    for (std::uint16_t i = 0; i < 4; ++i) {
        ingest.insert(kStart, static_cast<std::uint16_t>(9'000 + i), i * 120U, packets[i]);
    }
    EXPECT_EQ(ingest.pull(kStart, out), 1U) << "nothing of the old stream is left";
    EXPECT_EQ(ingest.pull(kStart, out), 0U);
    EXPECT_EQ(ingest.stats().resyncs, 0U);
}

TEST(Ingest, StaysSmall) { EXPECT_LT(sizeof(Ingest), 64U * 1024); }

}  // namespace
}  // namespace hushcast::media
