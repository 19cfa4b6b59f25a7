#include "net/http_server.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/log.hpp"
#include "net/client_network.hpp"
#include "net/event_loop_impl.hpp"
#include "net/http_message.hpp"
#include "net/problem.hpp"
#include "net/url.hpp"

namespace hushcast::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

/// Errors as values: co_await gives a tuple that starts with the error code.
constexpr asio::as_tuple_t<asio::use_awaitable_t<>> kAsValue{};

constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kFileChunkBytes = 64 * 1024;
/// After an error the peer may still be sending. Closing at once would make the kernel answer with
/// a reset that destroys our explanation on its way, so we listen a little longer.
constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;
constexpr auto kLingerTime = std::chrono::seconds(2);
/// When the process has no descriptor left for another connection.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

IpAddress from_asio(const asio::ip::address& address) {
    if (address.is_v4()) {
        const auto b = address.to_v4().to_bytes();
        return IpAddress::v4(b[0], b[1], b[2], b[3]);
    }
    return {address.to_v6().to_bytes()};
}

tcp::endpoint to_asio(const Endpoint& endpoint) {
    const auto& b = endpoint.ip.bytes;
    if (endpoint.ip.is_v4()) {
        return {asio::ip::address_v4({b[12], b[13], b[14], b[15]}), endpoint.port};
    }
    return {asio::ip::address_v6(b), endpoint.port};
}

/// The answer to one request, which comes now, later or, if every copy of Reply is dropped, never.
struct Promise {
    explicit Promise(const asio::any_io_executor& executor)
        : wake(executor, asio::steady_timer::time_point::max()) {}

    void keep(HttpResponse answer) {
        if (response) return;
        response = std::move(answer);
        wake.cancel();
    }

    std::optional<HttpResponse> response;
    asio::steady_timer wake;
};

/// What the copies of one Reply share.
struct Giver {
    explicit Giver(std::shared_ptr<Promise> its_promise) : promise(std::move(its_promise)) {}
    Giver(const Giver&) = delete;
    Giver& operator=(const Giver&) = delete;
    ~Giver() {
        try {
            promise->keep(problem(500, "the server gave no answer"));
        } catch (const std::exception&) {
            // Out of memory: the connection waits until the server ends, and nothing else is
            // harmed.
        }
    }

    std::shared_ptr<Promise> promise;
};

class Connection;

/// What connections need of their server; outlives it while they end.
struct Shared {
    HttpLimits limits;
    HttpServer::Handler handler;
    std::set<Connection*> connections;
    std::map<IpAddress, std::size_t> by_client;
    bool closing = false;
    std::function<void()> done;

    [[nodiscard]] bool full(const IpAddress& client) const {
        const auto found = by_client.find(client);
        return connections.size() >= limits.connections ||
               (found != by_client.end() && found->second >= limits.connections_per_address);
    }
    void call_done() {
        if (closing && connections.empty() && done) std::exchange(done, nullptr)();
    }
};

/// A coroutine per connection. GCC 12 miscompiles awaits in conditions and temporaries that live
/// across an await, so everything awaited goes through named values, and coroutines take references
/// to them.
class Connection {
public:
    Connection(tcp::socket socket, Endpoint remote, std::shared_ptr<Shared> shared)
        : stream_(std::move(socket)),
          buffer_(shared->limits.header_bytes + kReadBytes),
          remote_(remote),
          shared_(std::move(shared)) {
        shared_->connections.insert(this);
        ++shared_->by_client[client_network(remote_.ip)];
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        shared_->connections.erase(this);
        const auto count = shared_->by_client.find(client_network(remote_.ip));
        if (--count->second == 0) shared_->by_client.erase(count);
        shared_->call_done();
    }

    asio::awaitable<void> run() {
        bool more = true;
        while (more) {
            more = co_await exchange();
        }
    }

    /// Ends the connection if it waits for a request.
    void close_if_idle() {
        if (idle_) stream_.close();
    }
    void cut_off() {
        stream_.close();
        if (promise_) promise_->wake.cancel();
    }

private:
    asio::awaitable<bool> exchange();
    asio::awaitable<bool> wait_for_request();
    asio::awaitable<error_code> read_body(Parser& parser);
    asio::awaitable<std::optional<HttpResponse>> ask_handler(HttpRequest& request);
    asio::awaitable<bool> send(const Outgoing& out);
    asio::awaitable<bool> end_with(HttpResponse& response);
    [[nodiscard]] std::optional<HttpResponse> explain(error_code error) const;
    [[nodiscard]] std::optional<HttpRequest> to_request(Parser::value_type message) const;

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    Endpoint remote_;
    std::shared_ptr<Shared> shared_;
    std::shared_ptr<Promise> promise_;  ///< while a handler owes us an answer
    bool idle_ = true;
    bool used_ = false;  ///< one request was answered
};

/// Waits for the first byte of the next request.
asio::awaitable<bool> Connection::wait_for_request() {
    if (shared_->closing) co_return false;
    if (buffer_.size() > 0) co_return true;  // pipelined
    idle_ = true;
    stream_.expires_after(used_ ? shared_->limits.idle_timeout : shared_->limits.header_timeout);
    const asio::mutable_buffer space = buffer_.prepare(kReadBytes);
    const auto [error, count] = co_await stream_.async_read_some(space, kAsValue);
    idle_ = false;
    if (error) co_return false;
    buffer_.commit(count);
    co_return true;
}

/// One request and its answer. @return  whether another may follow.
asio::awaitable<bool> Connection::exchange() {
    const bool requested = co_await wait_for_request();
    if (!requested) co_return false;

    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_->limits.header_bytes));
    parser.body_limit(shared_->limits.body_bytes);
    stream_.expires_after(shared_->limits.header_timeout);
    const auto [error, count] =
        co_await http::async_read_header(stream_, buffer_, parser, kAsValue);
    error_code failed = error;
    if (!failed) {
        failed = co_await read_body(parser);
    }
    if (failed) {
        std::optional<HttpResponse> explanation = explain(failed);
        if (!explanation) co_return false;
        co_return co_await end_with(*explanation);
    }

    const bool http_1_0 = parser.get().version() < 11;
    const bool wants_more = parser.get().keep_alive();
    std::optional<HttpRequest> request = to_request(parser.release());
    if (!request || (!http_1_0 && request->header("host").empty())) {
        HttpResponse explanation = problem(
            400, request ? "the request names no host" : "the request's target makes no sense");
        co_return co_await end_with(explanation);
    }

    // What prepare() needs of the request, which the handler takes away.
    HttpRequest kept;
    kept.method = request->method;
    for (const char* name : {"range", "if-range", "if-none-match"}) {
        if (const auto value = request->header(name); !value.empty()) {
            kept.headers.emplace_back(name, value);
        }
    }
    std::optional<HttpResponse> response = co_await ask_handler(*request);
    if (!response) co_return false;
    const Exchange manner{kept.method == "HEAD", wants_more && !shared_->closing, http_1_0,
                          std::time(nullptr)};
    used_ = true;
    const Outgoing out = prepare(std::move(*response), kept, manner);
    const bool sent = co_await send(out);
    co_return sent&& manner.keep_alive;
}

asio::awaitable<error_code> Connection::read_body(Parser& parser) {
    if (parser.is_done()) co_return error_code{};
    stream_.expires_after(shared_->limits.body_timeout);
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
        const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        const asio::const_buffer piece(go_on.data(), go_on.size());
        const auto [error, count] = co_await asio::async_write(stream_, piece, kAsValue);
        if (error) co_return error;
    }
    const auto [error, count] = co_await http::async_read(stream_, buffer_, parser, kAsValue);
    co_return error;
}

std::optional<HttpRequest> Connection::to_request(Parser::value_type message) const {
    auto target = parse_target({message.target().data(), message.target().size()});
    if (!target) return std::nullopt;
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    for (const auto& field : message) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        request.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    request.body = std::move(message.body());
    request.remote = remote_;
    return request;
}

/// @return  nothing when the connection was cut off before the answer came.
asio::awaitable<std::optional<HttpResponse>> Connection::ask_handler(HttpRequest& request) {
    promise_ = std::make_shared<Promise>(stream_.get_executor());
    auto giver = std::make_shared<Giver>(promise_);
    try {
        shared_->handler(std::move(request), [giver](HttpResponse response) {
            giver->promise->keep(std::move(response));
        });
    } catch (const std::exception& failure) {
        log::error("http.handler_failed", {{"reason", failure.what()}});
        promise_->keep(problem(500, "the server made a mistake"));
    }
    giver.reset();
    if (!promise_->response) {
        co_await promise_->wake.async_wait(kAsValue);
    }
    const std::shared_ptr<Promise> kept = std::exchange(promise_, nullptr);
    co_return std::move(kept->response);
}

asio::awaitable<bool> Connection::send(const Outgoing& out) {
    stream_.expires_after(shared_->limits.body_timeout);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(out.head), asio::buffer(out.body)};
    const auto [error, count] = co_await asio::async_write(stream_, parts, kAsValue);
    if (error) co_return false;
    if (out.file_bytes == 0) co_return true;

    std::vector<std::uint8_t> chunk(kFileChunkBytes);
    for (std::uint64_t done = 0; done < out.file_bytes;) {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), out.file_bytes - done));
        // Recordings come from the page cache or in large sequential steps; a slow disk costs the
        // network thread a moment, never the media workers.
        const std::size_t got = out.file.read(out.file_offset + done, {chunk.data(), wanted});
        if (got == 0) co_return false;  // it became shorter: the promised length cannot be kept
        stream_.expires_after(shared_->limits.body_timeout);
        const asio::const_buffer piece(chunk.data(), got);
        const auto [failed, sent] = co_await asio::async_write(stream_, piece, kAsValue);
        if (failed) co_return false;
        done += got;
    }
    co_return true;
}

/// Says what was wrong with a request, if that can help anybody.
std::optional<HttpResponse> Connection::explain(error_code error) const {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return problem(431, "the request's header is too large");
    }
    if (error == http::error::body_limit) {
        return problem(413, "the body may have at most " +
                                std::to_string(shared_->limits.body_bytes) + " bytes");
    }
    // The stream's own time-out has closed it; others have gone or were cut off.
    const bool malformed =
        error.category() == http::make_error_code(http::error::bad_method).category();
    if (!malformed || error == http::error::end_of_stream ||
        error == http::error::partial_message) {
        return std::nullopt;
    }
    return problem(400, "the request is not HTTP");
}

/// Sends the last answer of a connection whose peer may not have finished its request.
asio::awaitable<bool> Connection::end_with(HttpResponse& response) {
    const HttpRequest nothing;
    Exchange last;
    last.now = std::time(nullptr);
    const Outgoing out = prepare(std::move(response), nothing, last);
    const bool sent = co_await send(out);
    if (!sent) co_return false;
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLingerTime);
    std::vector<std::uint8_t> discarded(kFileChunkBytes);
    for (std::size_t total = 0; total < kLingerBytes;) {
        const auto [error, count] =
            co_await stream_.async_read_some(asio::buffer(discarded), kAsValue);
        if (error) break;
        total += count;
    }
    co_return false;
}

/// One explanation, as far as the kernel takes it at once, and the end.
void turn_away(tcp::socket socket) {
    Exchange last;
    last.now = std::time(nullptr);
    const Outgoing out = prepare(problem(503, "too many connections"), {}, last);
    error_code ignored;
    socket.non_blocking(true, ignored);
    const std::array<asio::const_buffer, 2> parts{asio::buffer(out.head), asio::buffer(out.body)};
    socket.write_some(parts, ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    std::array<std::uint8_t, kReadBytes>
        discarded{};  // unread bytes would turn the end into a reset
    socket.read_some(asio::buffer(discarded), ignored);
}

}  // namespace

struct HttpServer::Impl {
    explicit Impl(EventLoop& loop)
        : context(loop.impl().context), acceptor(context), grace(context) {}

    asio::awaitable<void> accept();

    asio::io_context& context;
    tcp::acceptor acceptor;
    asio::steady_timer grace;
    Endpoint local;
    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
};

Result<std::unique_ptr<HttpServer>, std::string> HttpServer::open(EventLoop& loop,
                                                                  const Endpoint& listen,
                                                                  const HttpLimits& limits,
                                                                  Handler handler) {
    auto impl = std::make_unique<Impl>(loop);
    const tcp::endpoint endpoint = to_asio(listen);
    error_code error;
    impl->acceptor.open(endpoint.protocol(), error);
    if (!error) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && !listen.ip.is_v4()) {
        impl->acceptor.set_option(asio::ip::v6_only(!listen.ip.is_unspecified()), error);
    }
    if (!error) impl->acceptor.bind(endpoint, error);
    if (!error) impl->acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) return "cannot listen on " + listen.to_string() + ": " + error.message();

    impl->local = {listen.ip, impl->acceptor.local_endpoint(error).port()};
    impl->shared->limits = limits;
    impl->shared->handler = std::move(handler);
    asio::co_spawn(impl->context, impl->accept(), [](const std::exception_ptr& failure) {
        if (failure) log::error("http.accept_failed");
    });
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

asio::awaitable<void> HttpServer::Impl::accept() {
    while (acceptor.is_open()) {
        auto [error, socket] = co_await acceptor.async_accept(kAsValue);
        if (error) {
            if (!acceptor.is_open()) co_return;
            asio::steady_timer pause(context, kAcceptPause);
            co_await pause.async_wait(kAsValue);
            continue;
        }
        const tcp::endpoint peer = socket.remote_endpoint(error);
        if (error) continue;  // it has gone already
        socket.set_option(tcp::no_delay(true), error);
        const Endpoint remote{from_asio(peer.address()), peer.port()};
        if (shared->full(client_network(remote.ip))) {
            turn_away(std::move(socket));
            continue;
        }
        auto connection = std::make_unique<Connection>(std::move(socket), remote, shared);
        Connection& running = *connection;
        asio::co_spawn(context, running.run(),
                       [owner = std::move(connection)](const std::exception_ptr& failure) {
                           if (failure) log::error("http.connection_failed");
                       });
    }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() {
    // Connections that the event loop still holds end with it; nobody is to hear of them.
    impl_->shared->done = nullptr;
    impl_->shared->handler = nullptr;
}

const Endpoint& HttpServer::local() const { return impl_->local; }

void HttpServer::shut_down(Duration grace, std::function<void()> done) {
    Shared& shared = *impl_->shared;
    if (shared.closing) return;
    shared.closing = true;
    shared.done = std::move(done);
    error_code ignored;
    impl_->acceptor.close(ignored);
    for (Connection* connection : shared.connections) connection->close_if_idle();
    impl_->grace.expires_after(grace);
    impl_->grace.async_wait([kept = impl_->shared](const error_code& error) {
        if (error) return;
        for (Connection* connection : kept->connections) connection->cut_off();
    });
    shared.call_done();
}

}  // namespace hushcast::net
