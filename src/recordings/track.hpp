// The media worker's end of a recording: a bounded queue to the disk thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/spsc_queue.hpp"
#include "broadcast/sinks.hpp"

namespace hushcast::recordings {

/// A hop of the denoiser, which is what the media worker hands over.
inline constexpr std::size_t kBlockSamples = 480;
/// Two seconds: how long one write to the disk may hang before sound is lost. 190 kB per stream.
inline constexpr std::size_t kQueuedBlocks = 200;

/// Samples and their place on the recording's time line: a refused block leaves a gap in the
/// positions, which the disk thread fills with silence.
struct Block {
    std::uint64_t position = 0;
    std::size_t count = 0;
    std::array<std::int16_t, kBlockSamples> samples{};
};

class Track final : public broadcast::RecordingTrack {
public:
    Track() : queue_(kQueuedBlocks) {}

    /// Media worker.
    void write(std::span<const float> samples) noexcept override;

    /// Disk thread.
    std::optional<Block> next() { return queue_.pop(); }

    /// Any thread: where the time line ends, refused samples included.
    [[nodiscard]] std::uint64_t position() const {
        return position_.load(std::memory_order_acquire);
    }
    [[nodiscard]] std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

private:
    SpscQueue<Block> queue_;
    std::atomic<std::uint64_t> position_{0};
    std::atomic<std::uint64_t> refused_{0};
};

}  // namespace hushcast::recordings
