// One stream's way past or through the denoiser, switched live without a gap in the time line.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "denoise/denoiser.hpp"

namespace hushcast::broadcast {

/// A stream that starts with denoising off passes untouched and without delay. From the first time
/// it is switched on, the original sound is delayed by as much as the model delays, so that every
/// later switch is a cross-fade between two signals that lie on each other. The first switch on
/// alone moves the sound back by that delay, inside its cross-fade; the number of samples out is
/// always the number of samples in.
class NoiseStage {
public:
    static constexpr std::size_t kHop = denoise::kHop;

    /// @param denoiser  null: there is none, and the stream passes. Must outlive the stage
    /// otherwise.
    NoiseStage(const denoise::Denoiser* denoiser, bool on, float attenuation_limit_db);

    void set(bool on, float attenuation_limit_db);

    /// First half of a hop: what the denoiser has to compute, if anything.
    /// @param in     stays valid until finish().
    /// @param relief  the worker is overloaded: pass the original whatever is wanted.
    std::optional<denoise::Lane> begin(std::span<const float, kHop> in, bool relief);
    /// Second half, after the denoiser ran. `out` is bit for bit the input (delayed, if it ever was
    /// denoised) while denoising is off.
    void finish(std::span<float, kHop> out);

private:
    enum class Mode {
        Direct,   ///< never denoised: no delay
        Delayed,  ///< the original, as late as the model would be
        Warming,  ///< the model runs, but what it gives is not heard yet
        Denoised,
    };

    [[nodiscard]] std::size_t warm_up_hops() const;
    void delay(std::span<const float, kHop> in, std::span<float, kHop> out);

    std::unique_ptr<denoise::StreamState> state_;
    std::vector<float> ring_;  ///< the last delay_samples of the original
    std::size_t ring_position_ = 0;

    bool wanted_;
    Mode mode_ = Mode::Direct;
    bool was_delayed_ = false;  ///< what Warming came from
    std::size_t warmed_hops_ = 0;
    bool fade_out_ = false;  ///< the present hop fades from denoised to original
    std::span<const float> in_;
    std::array<float, kHop> original_{};
    std::array<float, kHop> denoised_{};
};

}  // namespace hushcast::broadcast
