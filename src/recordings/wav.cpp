#include "recordings/wav.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace hushcast::recordings {

namespace {

/// RIFF is little-endian.
class LittleEndianWriter {
public:
    explicit LittleEndianWriter(WavHeader& out) : out_(out) {}

    void name(std::string_view four) {
        for (const char c : four) out_[size_++] = static_cast<std::uint8_t>(c);
    }
    void u16(std::uint32_t value) { number(value, 2); }
    void u32(std::uint32_t value) { number(value, 4); }

private:
    void number(std::uint32_t value, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) {
            out_[size_++] = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }

    WavHeader& out_;
    std::size_t size_ = 0;
};

}  // namespace

WavHeader wav_header(std::uint64_t samples) {
    constexpr std::uint32_t kAfterRiffSize = kWavHeaderBytes - 8;
    constexpr std::uint64_t kMaxSamples =
        (std::numeric_limits<std::uint32_t>::max() - kAfterRiffSize) / kBytesPerSample;
    const auto data_bytes =
        static_cast<std::uint32_t>(std::min(samples, kMaxSamples) * kBytesPerSample);
    WavHeader header{};
    LittleEndianWriter out(header);
    out.name("RIFF");
    out.u32(kAfterRiffSize + data_bytes);
    out.name("WAVE");
    out.name("fmt ");
    out.u32(16);
    out.u16(1);  // PCM
    out.u16(1);  // mono
    out.u32(kSampleRateHz);
    out.u32(kSampleRateHz * kBytesPerSample);
    out.u16(kBytesPerSample);
    out.u16(8 * kBytesPerSample);
    out.name("data");
    out.u32(data_bytes);
    return header;
}

std::int16_t to_pcm16(float sample) {
    if (std::isnan(sample)) return 0;
    return static_cast<std::int16_t>(
        std::lrint(std::clamp(sample * 32768.0F, -32768.0F, 32767.0F)));
}

Duration duration_of(std::uint64_t samples) {
    using Samples = std::chrono::duration<std::int64_t, std::ratio<1, kSampleRateHz>>;
    return std::chrono::duration_cast<Duration>(Samples(static_cast<std::int64_t>(samples)));
}

}  // namespace hushcast::recordings
