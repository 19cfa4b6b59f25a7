// Wall-clock instants as text, in UTC: RFC 3339 for machines, a sentence for people.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hushcast::recordings {

/// Reads "2026-11-20T20:58:00Z"; a fraction of a second is allowed and cut off. Nothing else.
std::optional<std::chrono::sys_seconds> parse_rfc3339(std::string_view text);
std::string to_rfc3339(std::chrono::sys_seconds instant);

/// "Friday, 20 November 2026, 20:58": the title of a recording that was given none.
std::string spoken_time(std::chrono::sys_seconds instant);

}  // namespace hushcast::recordings
