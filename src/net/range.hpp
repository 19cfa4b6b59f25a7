// Byte ranges, entity tags and dates of HTTP (RFC 9110 sections 5.6.7, 8.8, 13 and 14).
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <variant>

namespace hushcast::net {

/// First and last byte, both included.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    [[nodiscard]] std::uint64_t size() const { return last - first + 1; }
    auto operator<=>(const ByteRange&) const = default;
};

struct WholeFile {};      ///< no Range, or one that RFC 9110 tells us to ignore
struct Unsatisfiable {};  ///< 416

/// Reads a Range header for a file of `size` bytes. Several ranges in one request are answered with
/// the whole file, which RFC 9110 section 14.2 allows: no player asks for more than one.
std::variant<WholeFile, ByteRange, Unsatisfiable> parse_range(std::string_view header,
                                                              std::uint64_t size);

/// Whether an If-None-Match list names `etag` (weak comparison) or is "*".
bool matches_etag(std::string_view if_none_match, std::string_view etag);

/// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string format_http_date(std::time_t time);

}  // namespace hushcast::net
