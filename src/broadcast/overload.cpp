#include "broadcast/overload.hpp"

#include <algorithm>

namespace hushcast::broadcast {

bool OverloadGuard::on_tick(Time now, Duration late) {
    late_ticks_ = late > kLate ? late_ticks_ + 1 : 0;
    if (late_ticks_ > 0) quiet_since_ = now;

    if (!overloaded_ && late_ticks_ >= kLateTicks) {
        overloaded_ = true;
        const bool soon_again = relieved_at_ != Time{} && now - relieved_at_ < pause_;
        pause_ = soon_again ? std::min<Duration>(2 * pause_, kLongestPause) : Duration(kFirstPause);
    } else if (overloaded_ && now - quiet_since_ >= pause_) {
        overloaded_ = false;
        relieved_at_ = now;
    }
    return overloaded_;
}

}  // namespace hushcast::broadcast
