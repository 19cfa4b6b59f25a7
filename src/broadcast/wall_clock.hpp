// The time of day, for people and for RTCP; nothing is decided by it.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/time.hpp"

namespace hushcast::broadcast {

/// Called from any thread.
using WallClock = std::function<std::chrono::system_clock::time_point(Time)>;

/// RFC 3339 in UTC with whole seconds: "2026-05-01T12:34:56Z".
std::string rfc3339(std::chrono::system_clock::time_point wall);

}  // namespace hushcast::broadcast
