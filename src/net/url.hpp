// Request targets (RFC 9112 section 3.2, RFC 3986) read into a path and parameters.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hushcast::net {

/// More parameters than any of our pages sends; the rest of the target is refused.
inline constexpr std::size_t kMaxParameters = 64;

struct Target {
    std::string path;  ///< decoded; starts with '/'; no NUL, no "." or ".." segment
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
};

/// Reads the origin form ("/a%20b?c=d+e") and the absolute form ("http://host/a?c"). Gives nothing
/// for everything else: bad escapes, control characters, climbing paths, too many parameters.
std::optional<Target> parse_target(std::string_view target);

/// Undoes %XX escapes; nothing when one is cut short or not hexadecimal.
/// @param plus_is_space  as in the query of a form.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace hushcast::net
