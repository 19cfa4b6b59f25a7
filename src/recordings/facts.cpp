#include "recordings/facts.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/json.hpp>
#include <sys/random.h>

#include "recordings/calendar.hpp"
#include "recordings/wav.hpp"

namespace hushcast::recordings {

namespace {

constexpr std::size_t kIdBytes = 16;

bool is_one_of(std::string_view text, std::string_view allowed) {
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

std::optional<std::string> text_of(const boost::json::object& object, std::string_view key) {
    const boost::json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->get_string());
}

std::optional<bool> truth_of(const boost::json::object& object, std::string_view key) {
    const boost::json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

/// What we write must be what we can read again: Boost.JSON refuses text that is no UTF-8.
bool survives_json(std::string_view text) {
    boost::json::error_code error;
    boost::json::parse(boost::json::serialize(boost::json::string(text)), error);
    return !error;
}

}  // namespace

Duration Facts::duration() const { return duration_of(samples); }

std::uint64_t Facts::size_bytes() const { return kWavHeaderBytes + samples * kBytesPerSample; }

bool is_owner(std::string_view name) {
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return !name.empty() && name.size() <= kMaxOwnerBytes && is_one_of(name, kAllowed) &&
           !is_one_of(name, ".");
}

bool is_recording_id(std::string_view text) {
    return text.size() == 2 * kIdBytes && is_one_of(text, "0123456789abcdef");
}

std::string make_recording_id() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<std::uint8_t, kIdBytes> random{};
    std::span<std::uint8_t> rest(random);
    while (!rest.empty()) {
        const ssize_t got = getrandom(rest.data(), rest.size(), 0);
        if (got > 0) rest = rest.subspan(static_cast<std::size_t>(got));
    }
    std::string id;
    for (const std::uint8_t byte : random) {
        id += kDigits[byte >> 4];
        id += kDigits[byte & 15];
    }
    return id;
}

std::string clean_title(std::string_view title, std::string_view created_at) {
    if (title.size() > kMaxTitleBytes) {
        std::size_t end = kMaxTitleBytes;
        while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xc0) == 0x80) --end;
        title = title.substr(0, end);
    }
    if (!title.empty() && survives_json(title)) return std::string(title);
    return spoken_time(parse_rfc3339(created_at).value_or(std::chrono::sys_seconds{}));
}

std::string to_json(const Facts& facts) {
    const boost::json::object object{
        {"id", facts.id},
        {"owner", facts.owner},
        {"title", facts.title},
        {"created_at", facts.created_at},
        {"session_id", facts.session_id},
        {"denoise", facts.denoise},
        {"complete", facts.complete},
        {"duration", std::chrono::duration<double>(facts.duration()).count()},
    };
    return boost::json::serialize(object) + '\n';
}

std::optional<Facts> from_json(std::string_view text) {
    if (text.size() > kMaxFactsBytes) return std::nullopt;
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(text, error);
    if (error || !value.is_object()) return std::nullopt;
    const boost::json::object& object = value.get_object();
    const auto title = text_of(object, "title");
    const auto created_at = text_of(object, "created_at");
    const auto session_id = text_of(object, "session_id");
    const auto denoise = truth_of(object, "denoise");
    const auto complete = truth_of(object, "complete");
    if (!title || !created_at || !session_id || !denoise || !complete) return std::nullopt;
    if (!parse_rfc3339(*created_at)) return std::nullopt;
    Facts facts;
    facts.title = clean_title(*title, *created_at);
    facts.created_at = *created_at;
    facts.session_id = *session_id;
    facts.denoise = *denoise;
    facts.complete = *complete;
    return facts;
}

}  // namespace hushcast::recordings
