#include "denoise/block_adapter.hpp"

#include <algorithm>

namespace hushcast::denoise {

BlockAdapter::BlockAdapter(Denoiser& denoiser)
    : denoiser_(denoiser), state_(denoiser.make_state()) {}

void BlockAdapter::reset() noexcept {
    state_->reset();
    ready_.fill(0.0F);
    at_ = 0;
}

void BlockAdapter::process(std::span<const float> in, std::span<float> out) noexcept {
    std::size_t done = 0;
    while (done < in.size()) {
        const std::size_t count = std::min(kHop - at_, in.size() - done);
        for (std::size_t i = 0; i < count; ++i) {
            collected_[at_ + i] = in[done + i];
            out[done + i] = ready_[at_ + i];
        }
        done += count;
        at_ += count;
        if (at_ == kHop) {
            const Lane lane{state_.get(), collected_, ready_};
            denoiser_.process({&lane, 1});
            at_ = 0;
        }
    }
}

}  // namespace hushcast::denoise
