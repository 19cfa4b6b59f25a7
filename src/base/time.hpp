// Time as every module counts it. State machines take it as an argument and never read a clock,
// so that tests run them in virtual time.
#pragma once

#include <chrono>

namespace hushcast {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = Clock::duration;

/// "Never": what next_timeout() answers when nothing is due.
inline constexpr Time kNever = Time::max();

}  // namespace hushcast
