#include "recordings/track.hpp"

#include <algorithm>

#include "recordings/wav.hpp"

namespace hushcast::recordings {

void Track::write(std::span<const float> samples) noexcept {
    std::uint64_t position = position_.load(std::memory_order_relaxed);
    while (!samples.empty()) {
        Block block;
        block.position = position;
        block.count = std::min(samples.size(), kBlockSamples);
        std::transform(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(block.count),
                       block.samples.begin(), to_pcm16);
        samples = samples.subspan(block.count);
        position += block.count;
        const std::size_t count = block.count;
        if (!queue_.push(Block(block))) refused_.fetch_add(count, std::memory_order_relaxed);
    }
    position_.store(position, std::memory_order_release);
}

}  // namespace hushcast::recordings
