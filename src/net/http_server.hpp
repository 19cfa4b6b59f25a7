// HTTP/1.1 over Boost.Beast, hidden from users of this header: requests and responses are plain
// values.
#pragma once

#include <chrono>
#include <cstddef>
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
    std::string path;  ///< decoded and normalised: starts with '/', no "..", no NUL
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded, in order
    Headers headers;                                         ///< names in lower case
    std::string body;
    Endpoint remote;

    [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

/// A file sent as it lies on disk, in constant memory, with range requests (RFC 9110 section 14).
struct FileBody {
    std::filesystem::path path;
};

/// Content-Length, Date and Connection are added by the server, and so is everything about ranges
/// and validators of a file. The answer to HEAD is made like the one to GET; its body stays behind.
struct HttpResponse {
    int status = 200;
    Headers headers;
    std::variant<std::string, FileBody> body;
};

struct HttpLimits {
    std::size_t header_bytes = 16 * 1024;
    std::size_t body_bytes = 256 * 1024;  ///< JSON and SDP; nobody uploads sound here
    std::size_t connections = 4'096;
    std::size_t connections_per_address = 256;         ///< IPv6: per /64, which one customer gets
    std::chrono::milliseconds header_timeout{10'000};  ///< slow-loris
    std::chrono::milliseconds body_timeout{30'000};    ///< to send a body, or to take 64 kB of ours
    std::chrono::milliseconds idle_timeout{60'000};    ///< between requests of one connection
};

class HttpServer {
public:
    /// Must be called exactly once, on the loop's thread, now or later. Letting go of every copy
    /// without a call answers 500, and so does a handler that throws.
    using Reply = std::function<void(HttpResponse)>;
    using Handler = std::function<void(HttpRequest, Reply)>;

    static Result<std::unique_ptr<HttpServer>, std::string> open(EventLoop& loop,
                                                                 const Endpoint& listen,
                                                                 const HttpLimits& limits,
                                                                 Handler handler);
    /// After EventLoop::run() has returned.
    ~HttpServer();
    [[nodiscard]] const Endpoint& local() const;
    /// Stops accepting, closes idle connections, lets running requests finish for `grace` and cuts
    /// off the rest. `done` is called once, when the last connection is gone.
    void shut_down(Duration grace, std::function<void()> done);

private:
    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::net
