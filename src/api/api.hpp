// Every HTTP route: JSON in, calls out. docs/api.md is the contract. Lives on the network thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "api/rate_limit.hpp"
#include "api/router.hpp"
#include "api/site.hpp"
#include "broadcast/switchboard.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "recordings/library.hpp"

namespace hushcast::api {

/// What GET /api/server/ and GET /health tell of the model in use.
struct ModelInUse {
    std::string id;
    std::string title;
    bool fallback = false;  ///< no weights: classical noise suppression
};

struct ApiConfig {
    ModelInUse model;
    std::filesystem::path web;  ///< serve pages from this folder; empty: those in the program
    RateLimitConfig rate;
    /// Called after every call into the switchboard, whose next time-out may have moved.
    std::function<void()> switchboard_used;
};

class Api {
public:
    /// Everything given must outlive the loop's run.
    Api(net::EventLoop& loop,
        broadcast::Switchboard& switchboard,
        recordings::Library& library,
        ApiConfig config);

    void handle(const net::HttpRequest& request, net::HttpServer::Reply reply);

private:
    using Reply = net::HttpServer::Reply;
    using Places = Router::Places;

    void add_stream_routes();
    void add_webrtc_routes();
    void add_whip_routes();
    void add_recording_routes();
    void add_server_routes();

    /// Whether there is such a person, as far as one can know without accounts.
    bool knows(const std::string& name);
    void remember(const std::string& name);
    /// Name of the stream of a session; empty when there is none.
    [[nodiscard]] std::string owner_of(std::string_view session_id) const;

    struct Listening {
        std::string name;
        std::string sdp;
        Time give_up;
        std::function<void(const broadcast::Answer&)> answer;
        Reply reply;
    };
    /// Answers at once, or when the stream has begun to sound, or at `give_up`.
    void listen(const std::shared_ptr<const Listening>& listening);
    void begin_listening(const std::string& name,
                         std::string sdp,
                         const Reply& reply,
                         std::function<void(const broadcast::Answer&)> answer);

    void start(const net::HttpRequest& request, const Reply& reply);
    void stop(const net::HttpRequest& request, const Reply& reply);
    void change_settings(const net::HttpRequest& request, const Reply& reply);
    void whip(const net::HttpRequest& request, const std::string& name, const Reply& reply);

    net::EventLoop& loop_;
    broadcast::Switchboard& switchboard_;
    recordings::Library& library_;
    ApiConfig config_;
    Site site_;
    RateLimit rate_;
    Router router_;
    /// Names that streamed since the start, so that they stay known without a recording.
    std::set<std::string, std::less<>> names_;
    /// WHIP resources: publishing peer → session. Those whose session has ended are swept.
    std::map<std::string, std::string, std::less<>> publishers_;
};

}  // namespace hushcast::api
