// Blocks of any size through a Denoiser, which takes hops.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "denoise/denoiser.hpp"

namespace hushcast::denoise {

/// One stream. Gives as many samples as it takes, delay_samples() later, and the same ones whatever
/// the sizes of the blocks: the delay is the denoiser's and one hop more, in which a hop is being
/// collected.
class BlockAdapter {
public:
    /// @param denoiser  used on the caller's thread, must outlive this object.
    explicit BlockAdapter(Denoiser& denoiser);

    [[nodiscard]] std::size_t delay_samples() const { return denoiser_.delay_samples() + kHop; }
    [[nodiscard]] StreamSettings& settings() { return state_->settings; }
    /// Back to the beginning of a stream; the settings stay.
    void reset() noexcept;

    /// @param in, out  of the same size; may be the same memory. Never allocates.
    void process(std::span<const float> in, std::span<float> out) noexcept;

private:
    Denoiser& denoiser_;
    std::unique_ptr<StreamState> state_;
    std::array<float, kHop> collected_{};
    std::array<float, kHop> ready_{};
    std::size_t at_ = 0;  ///< samples of the current hop collected, and of the last one given out
};

}  // namespace hushcast::denoise
