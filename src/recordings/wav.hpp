// The one sound format recordings have: WAV, 16-bit PCM, mono, 48 kHz.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace hushcast::recordings {

inline constexpr std::uint32_t kSampleRateHz = 48'000;
inline constexpr std::size_t kBytesPerSample = 2;
inline constexpr std::size_t kWavHeaderBytes = 44;
/// A WAV file counts its bytes in 32 bits, which is 12 h 25 min of sound; a round number below.
inline constexpr std::uint64_t kMaxSamplesPerFile = std::uint64_t{12} * 3600 * kSampleRateHz;

using WavHeader = std::array<std::uint8_t, kWavHeaderBytes>;

/// For `samples` samples; what does not fit in 32 bits is said to be the largest that does.
WavHeader wav_header(std::uint64_t samples);

/// Rounds and saturates; not a number is silence.
std::int16_t to_pcm16(float sample);

Duration duration_of(std::uint64_t samples);

}  // namespace hushcast::recordings
