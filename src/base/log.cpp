#include "base/log.hpp"

#include <cctype>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace hushcast::log {

namespace {

spdlog::logger& logger() {
    static const auto kInstance = [] {
        auto made = std::make_shared<spdlog::logger>(
            "hushcast", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *kInstance;
}

spdlog::level::level_enum native(Level level) {
    switch (level) {
        case Level::Debug: return spdlog::level::debug;
        case Level::Info: return spdlog::level::info;
        case Level::Warning: return spdlog::level::warn;
        case Level::Error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

bool is_plain(char c) {
    return std::isgraph(static_cast<unsigned char>(c)) != 0 && c != '"' && c != '=' && c != '\\';
}

void append_value(std::string& line, std::string_view value) {
    bool plain = !value.empty();
    for (const char c : value) plain = plain && is_plain(c);
    if (plain) {
        line += value;
        return;
    }
    constexpr std::string_view kHex = "0123456789abcdef";
    line += '"';
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            line += "\\x";
            line += kHex[byte >> 4];
            line += kHex[byte & 15];
        } else {
            line += c;
        }
    }
    line += '"';
}

}  // namespace

void set_level(Level level) { logger().set_level(native(level)); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (!logger().should_log(native(level))) return;
    std::string line(event);
    for (const Field& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    logger().log(native(level), line);
}

std::string redacted(std::string_view address) {
    const std::size_t cut = address.find_last_of(".:");
    if (cut == std::string_view::npos) return "x";
    return std::string(address.substr(0, cut + 1)) + 'x';
}

}  // namespace hushcast::log
