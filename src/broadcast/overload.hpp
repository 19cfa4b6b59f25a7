// When a worker has no time left for the network (S51).
#pragma once

#include <chrono>

#include "base/time.hpp"

namespace hushcast::broadcast {

/// Sees how late each tick of a worker starts and decides whether streams pass their original
/// sound. Late once is a machine that was busy elsewhere; late again and again is too much work.
class OverloadGuard {
public:
    /// Three ticks behind: beyond that listeners' buffers begin to notice.
    static constexpr std::chrono::milliseconds kLate{30};
    static constexpr int kLateTicks = 3;
    /// Quiet time before denoising is tried again; doubles while that fails soon.
    static constexpr std::chrono::seconds kFirstPause{2};
    static constexpr std::chrono::seconds kLongestPause{64};

    /// @param late  by how much this tick starts after its appointed time.
    /// @return whether the original sound passes in this tick.
    bool on_tick(Time now, Duration late);

private:
    int late_ticks_ = 0;
    bool overloaded_ = false;
    Time quiet_since_{};
    Time relieved_at_{};
    Duration pause_ = kFirstPause;
};

}  // namespace hushcast::broadcast
