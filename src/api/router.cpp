#include "api/router.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "net/problem.hpp"

namespace hushcast::api {

namespace {

/// No route of ours is deeper; a longer path fits none.
constexpr std::size_t kMaxSegments = 8;

std::vector<std::string> split(std::string_view path) {
    std::vector<std::string> segments;
    if (path.starts_with('/')) path.remove_prefix(1);
    if (path.ends_with('/')) path.remove_suffix(1);
    while (segments.size() <= kMaxSegments) {
        const std::size_t slash = path.find('/');
        segments.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    return segments;
}

std::optional<Router::Places> fit(const std::vector<std::string>& pattern,
                                  const std::vector<std::string>& path) {
    if (pattern.size() != path.size()) return std::nullopt;
    Router::Places places;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i].starts_with('<')) {
            places.push_back(path[i]);
        } else if (pattern[i] != path[i]) {
            return std::nullopt;
        }
    }
    return places;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler) {
    routes_.push_back({std::move(method), split(pattern), std::move(handler)});
}

bool Router::route(const net::HttpRequest& request, const net::HttpServer::Reply& reply) const {
    const std::vector<std::string> path = split(request.path);
    const std::string method = request.method == "HEAD" ? "GET" : request.method;
    std::set<std::string> allowed;
    for (const Route& route : routes_) {
        const auto places = fit(route.segments, path);
        if (!places) continue;
        if (route.method == method) {
            route.handler(request, *places, reply);
            return true;
        }
        allowed.insert(route.method);
        if (route.method == "GET") allowed.insert("HEAD");
    }
    if (allowed.empty()) return false;
    std::string list;
    for (const std::string& name : allowed) list += (list.empty() ? "" : ", ") + name;
    auto response = net::problem(405, "this address takes " + list);
    response.headers.emplace_back("Allow", list);
    reply(std::move(response));
    return true;
}

}  // namespace hushcast::api
