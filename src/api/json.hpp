// JSON bodies from outside, read with limits and with errors that name the field.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace hushcast::api {

/// Nobody nests deeper; a bomb of brackets would cost stack.
inline constexpr std::size_t kMaxJsonDepth = 16;

/// Reads one JSON object. The error is a sentence for people.
Result<boost::json::object, std::string> parse_object(std::string_view body);

/// Reads fields of an object one by one. The first fault is kept, later ones are not looked at.
class Fields {
public:
    explicit Fields(const boost::json::object& object) : object_(object) {}

    /// Must be there and not empty.
    std::string text(std::string_view name);
    bool truth(std::string_view name, bool otherwise);
    /// Must lie in [least, most] when it is there.
    std::optional<double> number(std::string_view name, double least, double most);

    /// Empty when all was well.
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    void complain(std::string_view name, std::string_view what);

    const boost::json::object& object_;
    std::string fault_;
};

}  // namespace hushcast::api
