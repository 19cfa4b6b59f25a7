#include "api/json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace hushcast::api {

namespace json = boost::json;

Result<json::object, std::string> parse_object(std::string_view body) {
    json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    boost::system::error_code error;
    json::value value = json::parse({body.data(), body.size()}, error, {}, options);
    if (error) return std::string("the body is not JSON");
    if (!value.is_object()) return std::string("the body is not a JSON object");
    return std::move(value.as_object());
}

std::string Fields::text(std::string_view name) {
    const json::value* value = object_.if_contains({name.data(), name.size()});
    if (value == nullptr) {
        complain(name, "is missing");
    } else if (!value->is_string()) {
        complain(name, "must be a string");
    } else if (value->as_string().empty()) {
        complain(name, "is empty");
    } else {
        const json::string& string = value->as_string();
        return {string.data(), string.size()};
    }
    return {};
}

bool Fields::truth(std::string_view name, bool otherwise) {
    const json::value* value = object_.if_contains({name.data(), name.size()});
    if (value == nullptr) return otherwise;
    if (value->is_bool()) return value->as_bool();
    complain(name, "must be true or false");
    return otherwise;
}

std::optional<double> Fields::number(std::string_view name, double least, double most) {
    const json::value* value = object_.if_contains({name.data(), name.size()});
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) {
        const double number = value->to_number<double>();
        if (number >= least && number <= most) return number;
    }
    complain(name, "must be a number from " + std::to_string(static_cast<int>(least)) + " to " +
                       std::to_string(static_cast<int>(most)));
    return std::nullopt;
}

void Fields::complain(std::string_view name, std::string_view what) {
    if (fault_.empty()) fault_ = std::string(name) + ' ' + std::string(what);
}

}  // namespace hushcast::api
