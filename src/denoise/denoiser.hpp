// The one interface through which the rest of the program removes noise.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hushcast::denoise {

inline constexpr int kSampleRateHz = 48'000;
inline constexpr std::size_t kHop = 480;  ///< samples per hop: 10 ms

/// May be changed between any two hops.
struct StreamSettings {
    /// Noise is lowered by at most this many dB; 100 or more: no limit (deepfilternet.md section
    /// 5).
    float attenuation_limit_db = 100.0F;
    bool post_filter = false;
};

/// What one stream remembers between hops. Made by the Denoiser that will process it (or by another
/// one of the same model), independent of it afterwards; may move between threads between calls.
class StreamState {
public:
    virtual ~StreamState() = default;
    /// Back to the state of a new stream, without allocating.
    virtual void reset() noexcept = 0;

    StreamSettings settings;
};

/// One stream's share of a batch.
struct Lane {
    StreamState* state = nullptr;
    std::span<const float, kHop> in;  ///< samples in -1..1; NaN and infinities are read as silence
    std::span<float, kHop> out;       ///< may be the same memory as `in`; not clipped
};

/// Scratch memory and code path of one thread; the weights behind it are shared and immutable.
class Denoiser {
public:
    virtual ~Denoiser() = default;

    /// What it is, for people: "DeepFilterNet2 (short form)", "WebRTC noise suppression".
    [[nodiscard]] virtual std::string_view name() const = 0;
    /// Samples by which the output lags its input.
    [[nodiscard]] virtual std::size_t delay_samples() const = 0;
    [[nodiscard]] virtual std::unique_ptr<StreamState> make_state() const = 0;
    /// Largest batch process() takes.
    [[nodiscard]] virtual std::size_t max_batch() const = 0;

    /// One hop of each lane. Never allocates, locks, logs or throws. Every state must be distinct.
    virtual void process(std::span<const Lane> lanes) noexcept = 0;
};

}  // namespace hushcast::denoise
