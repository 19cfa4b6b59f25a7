// Structured log lines: an event and its fields, "level event key=value key=value" on standard
// error. Safe from any thread; never call it from process() or any other real-time path.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.hpp"

namespace hushcast::log {

enum class Level { Debug, Info, Warning, Error };

/// One key and its value. Values with spaces, quotes or control characters are quoted and escaped,
/// so that nothing from outside can forge a line.
struct Field {
    std::string_view key;
    std::string value;

    Field(std::string_view name, std::string_view text) : key(name), value(text) {}
    Field(std::string_view name, const char* text) : key(name), value(text) {}
    Field(std::string_view name, const std::string& text) : key(name), value(text) {}
    Field(std::string_view name, bool truth) : key(name), value(truth ? "true" : "false") {}
    template <typename Number>
    requires std::integral<Number> || std::floating_point<Number> Field(std::string_view name,
                                                                        Number number)
        : key(name), value(std::to_string(number)) {}
};

void set_level(Level level);
void write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Debug, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Info, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Warning, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::Error, event, fields);
}

/// A network address with its host part removed ("192.0.2.x"): peers' addresses are personal data.
std::string redacted(std::string_view address);

/// Lets one line through a second and counts the rest: for what an outsider can provoke.
/// Use from one thread.
class OncePerSecond {
public:
    /// The number of suppressed lines since the last one let through, or nothing when this one is
    /// to be suppressed as well.
    std::optional<std::uint64_t> admit(Time now) {
        if (now < next_) {
            ++suppressed_;
            return std::nullopt;
        }
        next_ = now + std::chrono::seconds(1);
        return std::exchange(suppressed_, 0);
    }

private:
    Time next_ = Time::min();
    std::uint64_t suppressed_ = 0;
};

}  // namespace hushcast::log
