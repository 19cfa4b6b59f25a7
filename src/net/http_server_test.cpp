#include "net/http_server.hpp"

#include <cstring>
#include <fstream>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace hushcast::net {
namespace {

using namespace std::chrono_literals;

/// A blocking client that speaks bytes.
class Client {
public:
    explicit Client(const Endpoint& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(server.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{10, 0};  // ends a test that would hang
        setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { close(socket_); }

    [[nodiscard]] bool connected() const { return connected_; }
    void send(std::string_view bytes) const {
        ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// Everything until the server closes.
    std::string rest() {
        while (more()) {
        }
        return std::exchange(pending_, {});
    }
    /// One answer with a Content-Length.
    std::string answer(bool has_body = true) {
        std::size_t end = 0;
        while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
            if (!more()) return std::exchange(pending_, {});
        }
        end += 4;
        const std::size_t length = pending_.find("Content-Length: ");
        if (has_body && length < end) end += std::stoul(pending_.substr(length + 16));
        while (pending_.size() < end && more()) {
        }
        std::string one = pending_.substr(0, end);
        pending_.erase(0, end);
        return one;
    }
    std::string ask(std::string_view bytes) {
        send(bytes);
        return answer();
    }

private:
    bool more() {
        char buffer[4096];
        const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
        if (got > 0) pending_.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }

    int socket_;
    bool connected_ = false;
    std::string pending_;
};

/// A server on a thread of its own, with a handler that shows what it was given.
class HttpServerTest : public testing::Test {
protected:
    void serve(const HttpLimits& limits = {}) {
        auto opened = HttpServer::open(loop_, {IpAddress::v4(127, 0, 0, 1), 0}, limits,
                                       [this](HttpRequest request, HttpServer::Reply reply) {
                                           handle(request, std::move(reply));
                                       });
        ASSERT_TRUE(opened) << opened.error();
        server_ = std::move(opened).value();
        thread_ = std::thread([this] { loop_.run(); });
    }
    void TearDown() override {
        loop_.stop();
        if (thread_.joinable()) thread_.join();
        if (!file_.empty()) std::filesystem::remove(file_);
    }

    void handle(const HttpRequest& request, HttpServer::Reply reply) {
        if (request.path == "/throw") throw std::runtime_error("deliberate");
        if (request.path == "/forget") return;
        if (request.path == "/never") {
            held_.push_back(std::move(reply));
            return;
        }
        if (request.path == "/later") {
            loop_.after(1ms, [reply] { reply({200, {}, std::string("later")}); });
            return;
        }
        if (request.path == "/nothing") return reply({204, {}, std::string()});
        if (request.path == "/split")
            return reply({200, {{"X", "a\r\nInjected: b"}}, std::string()});
        if (request.path == "/file") {
            return reply({200, {{"Content-Type", "audio/wav"}}, FileBody{file_}});
        }
        std::string text = request.method + ' ' + request.path;
        for (const auto& [name, value] : request.query) text += ' ' + name + '=' + value;
        text += " [" + std::string(request.header("x-test")) + "] " + request.body;
        reply({200, {{"Content-Type", "text/plain"}}, text});
    }

    void make_file(std::string_view content) {
        file_ = std::filesystem::temp_directory_path() /
                ("hushcast_http_" + std::to_string(getpid()) + ".bin");
        std::ofstream(file_, std::ios::binary) << content;
    }

    std::string file_request(std::string_view headers, std::string_view method = "GET") {
        return Client(server_->local())
            .ask(std::string(method) + " /file HTTP/1.1\r\nHost: h\r\n" + std::string(headers) +
                 "\r\n");
    }

    void expect_room_for_two() {
        const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
        Client one(server_->local());
        Client two(server_->local());
        EXPECT_TRUE(one.ask(get).starts_with("HTTP/1.1 200 "));
        EXPECT_TRUE(two.ask(get).starts_with("HTTP/1.1 200 "));
        EXPECT_TRUE(Client(server_->local()).rest().starts_with("HTTP/1.1 503 "));
        one.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        one.rest();
        // The server has closed; it forgets the connection in the same step of its loop or the
        // next.
        std::string answer;
        for (int tries = 0; tries < 100 && !answer.starts_with("HTTP/1.1 200 "); ++tries) {
            answer = Client(server_->local()).ask(get);
        }
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
    }

    EventLoop loop_;
    std::unique_ptr<HttpServer> server_;
    std::vector<HttpServer::Reply> held_;
    std::filesystem::path file_;
    std::thread thread_;
};

bool starts(const std::string& answer, int status) {
    return answer.starts_with("HTTP/1.1 " + std::to_string(status) + ' ');
}
bool has(const std::string& answer, std::string_view text) {
    return answer.find(text) != std::string::npos;
}

TEST_F(HttpServerTest, AnswersSeveralRequestsOnOneConnection) {
    serve();
    Client client(server_->local());
    const auto first = client.ask("GET /a%20b?x=1+2 HTTP/1.1\r\nHost: h\r\nX-Test: yes\r\n\r\n");
    EXPECT_TRUE(starts(first, 200)) << first;
    EXPECT_TRUE(has(first, "\r\n\r\nGET /a b x=1 2 [yes] ")) << first;
    EXPECT_TRUE(has(first, "GMT\r\n")) << first;
    const auto second = client.ask("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    EXPECT_TRUE(has(second, "POST /p [] body")) << second;
    const auto later = client.ask("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(later.ends_with("later")) << later;
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
    serve();
    Client client(server_->local());
    client.send(
        "GET /later HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
        "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n");
    EXPECT_TRUE(has(client.answer(), "later"));
    EXPECT_TRUE(has(client.answer(), "GET /b"));
    EXPECT_TRUE(has(client.answer(), "POST /c [] xyz"));
}

TEST_F(HttpServerTest, LeavesTheBodyAwayWhereNoneBelongs) {
    serve();
    Client client(server_->local());
    client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto head = client.answer(false);
    EXPECT_TRUE(has(head, "Content-Length: 11\r\n")) << head;
    const auto nothing = client.ask("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(starts(nothing, 204)) << nothing;
    EXPECT_FALSE(has(nothing, "Content-Length")) << nothing;
}

TEST_F(HttpServerTest, ClosesWhenAskedTo) {
    serve();
    Client client(server_->local());
    client.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(has(client.rest(), "Connection: close\r\n"));
    Client old(server_->local());
    old.send("GET /a HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(starts(old.rest(), 200));
}

TEST_F(HttpServerTest, WaitsWithTheBodyUntilToldToGoOn) {
    serve();
    Client client(server_->local());
    client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_TRUE(starts(client.answer(), 100));
    EXPECT_TRUE(has(client.ask("ok"), "POST /p [] ok"));
}

TEST_F(HttpServerTest, TellsWhatIsWrongWithARequest) {
    HttpLimits limits;
    limits.body_bytes = 1000;
    serve(limits);
    const std::string host = " HTTP/1.1\r\nHost: h\r\n";
    const std::map<std::string, int> bad{
        {"GET /../etc/passwd" + host + "\r\n", 400},
        {"GET /%00" + host + "\r\n", 400},
        {"GET /%zz" + host + "\r\n", 400},
        {"GET /a HTTP/1.1\r\n\r\n", 400},
        {"NONSENSE\r\n\r\n", 400},
        {std::string("\x16\x03\x01\x02\x00\x01\x00", 7) + "\r\n\r\n",
         400},  // TLS on the plain port
        {"GET /a" + host + "X: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
        {"POST /a" + host + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413},
        {"POST /a" + host + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
        {"POST /a" + host + "Content-Length: -1\r\n\r\n", 400},
        {"POST /a" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
        {"POST /a" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"POST /a" + host + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'x') +
             "\r\n0\r\n\r\n",
         413},
    };
    for (const auto& [request, status] : bad) {
        Client client(server_->local());
        client.send(request);
        const auto answer = client.answer();
        EXPECT_TRUE(starts(answer, status)) << request.substr(0, 80) << "\n→ " << answer;
        EXPECT_TRUE(has(answer, "application/problem+json")) << answer;
        EXPECT_TRUE(has(answer, "Connection: close\r\n")) << answer;
    }
}

TEST_F(HttpServerTest, TurnsFailedHandlersIntoAnAnswer) {
    serve();
    Client client(server_->local());
    for (const char* path : {"/throw", "/forget"}) {
        const auto answer = client.ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_TRUE(starts(answer, 500)) << path << answer;
        EXPECT_TRUE(has(answer, "application/problem+json"));
        EXPECT_FALSE(has(answer, "deliberate")) << "reasons are for the log";
    }
    EXPECT_TRUE(starts(client.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), 200));
}

TEST_F(HttpServerTest, KeepsHandlersFromForgingHeaders) {
    serve();
    const auto answer = Client(server_->local()).ask("GET /split HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(has(answer, "X: aInjected: b\r\n")) << answer;
}

TEST_F(HttpServerTest, CutsOffWhoeverIsTooSlow) {
    HttpLimits limits;
    limits.header_timeout = 50ms;
    limits.body_timeout = 50ms;
    limits.idle_timeout = 50ms;
    serve(limits);
    Client silent(server_->local());
    EXPECT_EQ(silent.rest(), "");
    Client slow(server_->local());
    slow.send("GET /a HTTP/1.1\r\nHost: h\r\nX: ");
    EXPECT_EQ(slow.rest(), "");
    Client half(server_->local());
    half.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
    EXPECT_EQ(half.rest(), "");
    Client idle(server_->local());
    EXPECT_TRUE(starts(idle.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), 200));
    EXPECT_EQ(idle.rest(), "");
}

TEST_F(HttpServerTest, LimitsConnectionsInAll) {
    HttpLimits limits;
    limits.connections = 2;
    serve(limits);
    expect_room_for_two();
}

TEST_F(HttpServerTest, LimitsConnectionsPerAddress) {
    HttpLimits limits;
    limits.connections_per_address = 2;
    serve(limits);
    expect_room_for_two();
}

TEST_F(HttpServerTest, SendsFilesWholeAndInPart) {
    std::string content;
    for (int i = 0; i < 200'000; ++i) content += static_cast<char>('a' + i % 26);
    make_file(content);
    serve();
    const auto whole = file_request("");
    EXPECT_TRUE(starts(whole, 200));
    EXPECT_TRUE(whole.ends_with("\r\n\r\n" + content));
    EXPECT_TRUE(has(whole, "Accept-Ranges: bytes\r\n"));
    EXPECT_TRUE(has(whole, "Content-Type: audio/wav\r\n"));
    EXPECT_TRUE(has(whole, "Last-Modified: "));

    const auto part = file_request("Range: bytes=26-30\r\n");
    EXPECT_TRUE(starts(part, 206)) << part;
    EXPECT_TRUE(has(part, "Content-Range: bytes 26-30/200000\r\n")) << part;
    EXPECT_TRUE(part.ends_with("\r\n\r\nabcde")) << part;
    EXPECT_TRUE(
        file_request("Range: bytes=-2\r\n").ends_with("\r\n\r\n" + content.substr(199'998)));

    const auto outside = file_request("Range: bytes=200000-\r\n");
    EXPECT_TRUE(starts(outside, 416)) << outside;
    EXPECT_TRUE(has(outside, "Content-Range: bytes */200000\r\n")) << outside;
    EXPECT_TRUE(starts(file_request("Range: bytes=0-1,5-6\r\n"), 200));
}

TEST_F(HttpServerTest, HonoursValidatorsOfFiles) {
    make_file("0123456789");
    serve();
    const auto whole = file_request("");
    const std::size_t at = whole.find("ETag: ") + 6;
    const std::string etag = whole.substr(at, whole.find('\r', at) - at);
    EXPECT_TRUE(starts(file_request("If-None-Match: " + etag + "\r\n"), 304));
    EXPECT_TRUE(starts(file_request("Range: bytes=1-2\r\nIf-Range: " + etag + "\r\n"), 206));
    EXPECT_TRUE(starts(file_request("Range: bytes=1-2\r\nIf-Range: \"other\"\r\n"), 200));
    EXPECT_TRUE(starts(file_request("Range: bytes=1-2\r\nIf-Range: W/" + etag + "\r\n"), 200));
    make_file("0123456789a");
    EXPECT_TRUE(starts(file_request("If-None-Match: " + etag + "\r\n"), 200));
    std::filesystem::remove(file_);
    EXPECT_TRUE(starts(file_request(""), 404));
}

TEST_F(HttpServerTest, ShutsDownGracefully) {
    serve();
    Client idle(server_->local());
    EXPECT_TRUE(starts(idle.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), 200));
    Client busy(server_->local());
    busy.send("GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    while (true) {  // until the request has arrived
        bool there = false;
        std::promise<void> looked;
        loop_.post([&] {
            there = !held_.empty();
            looked.set_value();
        });
        looked.get_future().wait();
        if (there) break;
    }
    std::promise<void> done;
    loop_.post([&] { server_->shut_down(10s, [&] { done.set_value(); }); });
    EXPECT_EQ(idle.rest(), "");
    loop_.post([&] { held_.front()({200, {}, std::string("at last")}); });
    EXPECT_TRUE(has(busy.rest(), "at last"));
    EXPECT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
    EXPECT_FALSE(Client(server_->local()).connected());
}

TEST_F(HttpServerTest, CutsOffWhatOutlastsTheGrace) {
    serve();
    Client busy(server_->local());
    busy.send("GET /never HTTP/1.1\r\nHost: h\r\n\r\n");
    Client second(server_->local());  // its answer shows that the first request has arrived too
    second.ask("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    std::promise<void> done;
    loop_.post([&] { server_->shut_down(20ms, [&] { done.set_value(); }); });
    EXPECT_EQ(busy.rest(), "");
    EXPECT_EQ(done.get_future().wait_for(10s), std::future_status::ready);
}

TEST(HttpServer, SaysWhyItCannotBeOpened) {
    EventLoop loop;
    auto first = HttpServer::open(loop, {IpAddress::v4(127, 0, 0, 1), 0}, {}, {});
    ASSERT_TRUE(first);
    const auto second = HttpServer::open(loop, (*first)->local(), {}, {});
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("in use"), std::string::npos) << second.error();
}

}  // namespace
}  // namespace hushcast::net
