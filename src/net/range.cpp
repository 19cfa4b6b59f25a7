#include "net/range.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>

namespace hushcast::net {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

}  // namespace

std::variant<WholeFile, ByteRange, Unsatisfiable> parse_range(std::string_view header,
                                                              std::uint64_t size) {
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit)) return WholeFile{};
    const std::string_view range = trimmed(header.substr(kUnit.size()));
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos) return WholeFile{};
    const std::string_view from = range.substr(0, dash);
    const std::string_view to = range.substr(dash + 1);
    const auto first = parse_number(from);
    const auto last = parse_number(to);

    if (from.empty()) {  // the last so many bytes
        if (!last) return WholeFile{};
        if (*last == 0 || size == 0) return Unsatisfiable{};
        return ByteRange{size - std::min(*last, size), size - 1};
    }
    if (!first || (!last && !to.empty()) || (last && *last < *first)) return WholeFile{};
    if (*first >= size) return Unsatisfiable{};
    return ByteRange{*first, std::min(last.value_or(size - 1), size - 1)};
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
    while (!if_none_match.empty()) {
        std::string_view candidate = trimmed(if_none_match.substr(0, if_none_match.find(',')));
        if_none_match.remove_prefix(std::min(
            if_none_match.size(), std::min(if_none_match.find(','), if_none_match.size()) + 1));
        if (candidate.starts_with("W/")) candidate.remove_prefix(2);
        if (candidate == "*" || (!candidate.empty() && candidate == etag)) return true;
    }
    return false;
}

std::string format_http_date(std::time_t time) {
    // Spelled out, because strftime follows the locale.
    constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm parts{};
    if (gmtime_r(&time, &parts) == nullptr) return "Thu, 01 Jan 1970 00:00:00 GMT";
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                  kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                  parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text.data();
}

}  // namespace hushcast::net
