// From method and path to a handler.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.hpp"

namespace hushcast::api {

class Router {
public:
    /// What stood in the places of a pattern, in order.
    using Places = std::vector<std::string>;
    using Handler =
        std::function<void(const net::HttpRequest&, const Places&, net::HttpServer::Reply)>;

    /// @param pattern  segments, "<name>" stands for any one: "/api/stream/status/<name>". A slash
    /// at
    ///                 the end makes no difference, neither here nor in a request.
    void add(std::string method, std::string_view pattern, Handler handler);

    /// Answers 405 itself when only the method is wrong. HEAD is served like GET.
    /// @return  false when no pattern fits.
    bool route(const net::HttpRequest& request, const net::HttpServer::Reply& reply) const;

private:
    struct Route {
        std::string method;
        std::vector<std::string> segments;
        Handler handler;
    };
    std::vector<Route> routes_;
};

}  // namespace hushcast::api
