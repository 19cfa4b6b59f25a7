#include "api/api.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "api/answers.hpp"
#include "net/client_network.hpp"
#include "net/problem.hpp"

namespace hushcast::api {

namespace {

/// Names that are remembered without an account or a recording; the set is emptied when it is full.
constexpr std::size_t kMaxNames = 10'000;

bool changes_state(std::string_view method) {
    return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

/// Whether the page that sends the request came from us: its origin names the host that was asked.
/// Both schemes pass, since a reverse proxy may end TLS in front of us; "null" does not.
bool is_own_origin(std::string_view origin, std::string_view host) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kSchemes{
        {{"http://", ":80"}, {"https://", ":443"}}};
    for (const auto& [scheme, default_port] : kSchemes) {
        if (!origin.starts_with(scheme)) continue;
        std::string_view named = origin.substr(scheme.size());
        if (named.ends_with(default_port)) named.remove_suffix(default_port.size());
        if (host.ends_with(default_port)) host.remove_suffix(default_port.size());
        return named == host;
    }
    return false;
}

void secure(net::HttpResponse& response) {
    const std::array<std::pair<const char*, const char*>, 4> headers{{
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
         "font-src 'self'; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; "
         "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "same-origin"},
        {"Permissions-Policy", "microphone=(self), camera=(), geolocation=()"},
    }};
    for (const auto& header : headers) {
        const bool there =
            std::any_of(response.headers.begin(), response.headers.end(),
                        [&](const auto& given) { return given.first == header.first; });
        if (!there) response.headers.emplace_back(header.first, header.second);
    }
}

}  // namespace

Api::Api(net::EventLoop& loop,
         broadcast::Switchboard& switchboard,
         recordings::Library& library,
         ApiConfig config)
    : loop_(loop),
      switchboard_(switchboard),
      library_(library),
      config_(std::move(config)),
      site_(config_.web),
      rate_(config_.rate) {
    add_stream_routes();
    add_webrtc_routes();
    add_whip_routes();
    add_recording_routes();
    add_server_routes();
}

void Api::handle(const net::HttpRequest& request, Reply reply) {
    const Reply secured = [reply = std::move(reply)](net::HttpResponse response) {
        secure(response);
        reply(std::move(response));
    };
    if (changes_state(request.method)) {
        const std::string_view origin = request.header("origin");
        if (!origin.empty() && !is_own_origin(origin, request.header("host"))) {
            return secured(net::problem(403, "the request comes from a page of another site"));
        }
        // The machine itself is trusted: a reverse proxy there keeps its own limits.
        if (!request.remote.ip.is_loopback() &&
            !rate_.admit(Clock::now(), net::client_network(request.remote.ip))) {
            auto response = net::problem(429, "too many requests: wait a second");
            response.headers.emplace_back("Retry-After", "1");
            return secured(std::move(response));
        }
    }
    if (router_.route(request, secured)) return;
    if (request.method == "GET" || request.method == "HEAD") {
        if (auto page = site_.get(request)) return secured(std::move(*page));
    }
    secured(net::problem(404, "there is nothing at this address"));
}

bool Api::knows(const std::string& name) {
    return switchboard_.status(name) || names_.contains(name) || !library_.list(name).empty();
}

void Api::remember(const std::string& name) {
    if (names_.size() >= kMaxNames) names_.clear();
    names_.insert(name);
}

std::string Api::owner_of(std::string_view session_id) const {
    for (const auto& status : switchboard_.live()) {
        if (status.session_id == session_id) return status.name;
    }
    return {};
}

void Api::add_server_routes() {
    router_.add("GET", "/api/server/", [this](const auto&, const Places&, const Reply& reply) {
        reply(json_response({{"name", "hushcast"},
                             {"version", HUSHCAST_VERSION},
                             {"model",
                              {{"id", config_.model.id},
                               {"title", config_.model.title},
                               {"fallback", config_.model.fallback}}},
                             {"ice_servers", boost::json::array()}}));
    });
    router_.add("GET", "/health", [this](const auto&, const Places&, const Reply& reply) {
        std::size_t listeners = 0;
        const auto live = switchboard_.live();
        for (const auto& status : live) listeners += status.listeners;
        reply(json_response({{"status", "ok"},
                             {"streams", live.size()},
                             {"listeners", listeners},
                             {"model", config_.model.id},
                             {"version", HUSHCAST_VERSION}}));
    });
}

}  // namespace hushcast::api
