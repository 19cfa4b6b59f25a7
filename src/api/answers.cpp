#include "api/answers.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/json.hpp"
#include "net/problem.hpp"

namespace hushcast::api {

namespace json = boost::json;

namespace {

/// JSON has no infinities, and nobody reads more than hundredths.
double finite(double number) { return std::isfinite(number) ? std::round(number * 100) / 100 : 0; }

std::string_view name_of(broadcast::StreamState state) {
    switch (state) {
        case broadcast::StreamState::Starting: return "starting";
        case broadcast::StreamState::Live: return "live";
        case broadcast::StreamState::Unstable: return "unstable";
    }
    return "starting";
}

int status_of(broadcast::BroadcastError error) {
    switch (error) {
        case broadcast::BroadcastError::AlreadyStreaming:
        case broadcast::BroadcastError::NotStreaming: return 409;
        case broadcast::BroadcastError::NoSuchStream:
        case broadcast::BroadcastError::BadOffer: return 400;
        case broadcast::BroadcastError::Full: return 503;
    }
    return 500;
}

}  // namespace

net::HttpResponse json_response(const json::value& value) {
    return {200,
            {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
            json::serialize(value)};
}

net::HttpResponse failure_response(const broadcast::Failure& failure) {
    return net::problem(status_of(failure.error), failure.detail);
}

net::HttpResponse no_such_name() { return net::problem(404, "there is nobody of that name"); }

net::HttpResponse forbidden() { return net::problem(403, "that is not for you"); }

std::string media_type(const net::HttpRequest& request) {
    const std::string_view header = request.header("content-type");
    std::string type(header.substr(0, header.find(';')));
    while (type.ends_with(' ')) type.pop_back();
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return type;
}

std::optional<boost::json::object> read_json(const net::HttpRequest& request,
                                             const net::HttpServer::Reply& reply,
                                             bool plain_text_too) {
    const std::string type = media_type(request);
    const bool json = type.empty() || type == "application/json";
    if (!json && !(plain_text_too && type == "text/plain")) {
        reply(net::problem(415, "the body must be application/json"));
        return std::nullopt;
    }
    auto object = parse_object(request.body);
    if (!object) {
        reply(net::problem(400, object.error()));
        return std::nullopt;
    }
    return std::move(object).value();
}

json::value status_json(const broadcast::StreamStatus& status) {
    return json::object{{"name", status.name},
                        {"is_streaming", true},
                        {"state", name_of(status.state)},
                        // Who knows it may stop the stream: for its owner alone.
                        {"session_id", nullptr},
                        {"started_at", status.started_at},
                        {"elapsed", finite(status.elapsed_s)},
                        {"denoise", status.denoise},
                        {"listeners", status.listeners},
                        {"input_level_db", finite(status.input_level_db)},
                        {"output_level_db", finite(status.output_level_db)},
                        {"loss_percent", finite(status.loss_percent)},
                        {"jitter_ms", finite(status.jitter_ms)},
                        {"playout_delay_ms", finite(status.playout_delay_ms)},
                        {"overloaded", status.overloaded}};
}

json::value silent_json(std::string_view name) {
    return json::object{{"name", json::string_view(name.data(), name.size())},
                        {"is_streaming", false},
                        {"state", nullptr},
                        {"session_id", nullptr},
                        {"started_at", nullptr},
                        {"elapsed", 0},
                        {"listeners", 0}};
}

}  // namespace hushcast::api
