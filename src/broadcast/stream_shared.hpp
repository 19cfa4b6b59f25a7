// What the worker and the control thread both see of one stream. Owned by the control side, which
// keeps it until the worker has handed the stream back.
#pragma once

#include <atomic>

#include "base/time.hpp"
#include "broadcast/recording_gate.hpp"

namespace hushcast::broadcast {

/// The worker writes, the control thread reads; each value stands for itself, so relaxed order is
/// enough.
struct StreamShared {
    /// Arrival of the last media packet that verified, as Time counts; 0 before the first.
    std::atomic<Time::rep> last_media{0};
    std::atomic<float> input_level_db{-100};
    std::atomic<float> output_level_db{-100};
    std::atomic<float> loss_percent{0};
    std::atomic<float> jitter_ms{0};
    std::atomic<float> playout_delay_ms{0};
    std::atomic<bool> overloaded{false};

    RecordingGate recording;
};

}  // namespace hushcast::broadcast
