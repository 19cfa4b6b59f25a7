// HTTP/1.1 over Boost.Beast, hidden from users of this header: requests and responses are plain values.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "net/event_loop.hpp"

namespace hushcast::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method;
    std::string path;   ///< decoded and normalised: starts with '/', no "..", no NUL
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
    Headers headers;    ///< names in lower case
    std::string body;
    Endpoint remote;
    bool secure = false;  ///< came over TLS

    [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

/// A file sent as it lies on disk, in constant memory, with range requests (RFC 9110 section 14).
struct FileBody {
    std::filesystem::path path;
};

struct HttpResponse {
    int status = 200;
    Headers headers;
    std::variant<std::string, FileBody> body;
};

struct HttpLimits {
    std::size_t header_bytes = 16 * 1024;
    std::size_t body_bytes = 256 * 1024;      ///< JSON and SDP; nobody uploads sound here
    std::size_t connections = 4'096;
    std::size_t connections_per_address = 256;
    std::chrono::seconds header_timeout{10};  ///< slow-loris
    std::chrono::seconds body_timeout{30};
    std::chrono::seconds idle_timeout{60};    ///< between requests of one connection
};

class HttpServer {
public:
    /// Must be called exactly once, on the loop's thread, now or later.
    using Reply = std::function<void(HttpResponse)>;
    using Handler = std::function<void(HttpRequest, Reply)>;

    static Result<std::unique_ptr<HttpServer>, std::string> open(EventLoop& loop, const Endpoint& listen,
                                                                 const HttpLimits& limits,
                                                                 Handler handler);
    ~HttpServer();
    [[nodiscard]] const Endpoint& local() const;
    /// Stops accepting; lets running requests finish for `grace`.
    void shut_down(Duration grace);

private:
    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::net
