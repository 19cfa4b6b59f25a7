// Where the media worker writes and the control thread may shut the door at any time.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "broadcast/sinks.hpp"

namespace hushcast::broadcast {

/// Lets stop() close a recording at once, without waiting for the worker's next tick and without a
/// lock on the audio path. One writer (the worker), one owner (the control thread).
class RecordingGate {
public:
    /// Owner. At most once.
    void open(std::shared_ptr<RecordingTrack> track) {
        track_ = std::move(track);
        open_.store(true);
    }

    /// Writer.
    void write(std::span<const float> samples) noexcept {
        // Sequentially consistent, both here and in close(): either the writer sees the closed door
        // or the owner sees the writer inside.
        writing_.store(true);
        if (open_.load()) track_->write(samples);
        writing_.store(false);
    }

    /// Owner. No write is under way when it returns, and none will come; null when never opened.
    std::shared_ptr<RecordingTrack> close() {
        open_.store(false);
        // One write of 10 ms of sound that never blocks: microseconds.
        while (writing_.load()) std::this_thread::yield();
        return std::exchange(track_, nullptr);
    }

private:
    std::shared_ptr<RecordingTrack> track_;
    std::atomic<bool> open_{false};
    std::atomic<bool> writing_{false};
};

}  // namespace hushcast::broadcast
