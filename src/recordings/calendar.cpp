#include "recordings/calendar.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace hushcast::recordings {

namespace {

using std::chrono::year_month_day;

std::optional<int> number(std::string_view digits) {
    int value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc{} || stop != end || digits.front() == '-') return std::nullopt;
    return value;
}

struct Fields {
    year_month_day date{};
    std::chrono::hh_mm_ss<std::chrono::seconds> time;
};

Fields fields(std::chrono::sys_seconds instant) {
    const auto day = std::chrono::floor<std::chrono::days>(instant);
    return {day, std::chrono::hh_mm_ss(instant - day)};
}

template <typename... Values>
std::string print(const char* format, Values... values) {
    std::array<char, 64> text{};
    const int size = std::snprintf(text.data(), text.size(), format, values...);
    return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_rfc3339(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00T00:00:00";
    if (text.size() < kShape.size() + 1 || text.back() != 'Z') return std::nullopt;
    for (const std::size_t i : {4U, 7U, 10U, 13U, 16U}) {
        if (text[i] != kShape[i]) return std::nullopt;
    }
    const std::string_view fraction = text.substr(kShape.size(), text.size() - kShape.size() - 1);
    if (!fraction.empty() &&
        (fraction.front() != '.' ||
         fraction.find_first_not_of("0123456789", 1) != std::string_view::npos)) {
        return std::nullopt;
    }
    const auto year = number(text.substr(0, 4));
    const auto month = number(text.substr(5, 2));
    const auto day = number(text.substr(8, 2));
    const auto hour = number(text.substr(11, 2));
    const auto minute = number(text.substr(14, 2));
    const auto second = number(text.substr(17, 2));
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    const year_month_day date(std::chrono::year(*year),
                              std::chrono::month(static_cast<unsigned>(*month)),
                              std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

std::string to_rfc3339(std::chrono::sys_seconds instant) {
    const auto [date, time] = fields(instant);
    return print("%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                 static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                 static_cast<int>(time.seconds().count()));
}

std::string spoken_time(std::chrono::sys_seconds instant) {
    constexpr std::array kDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                               "Thursday", "Friday", "Saturday"};
    constexpr std::array kMonths{"January",   "February", "March",    "April",
                                 "May",       "June",     "July",     "August",
                                 "September", "October",  "November", "December"};
    const auto [date, time] = fields(instant);
    const std::chrono::weekday weekday(std::chrono::floor<std::chrono::days>(instant));
    return print("%s, %u %s %d, %02d:%02d", kDays[weekday.c_encoding()],
                 static_cast<unsigned>(date.day()),
                 kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                 static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
}

}  // namespace hushcast::recordings
