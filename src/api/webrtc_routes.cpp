// Offers and answers: the JSON calls of our page, and WHIP (RFC 9725) and WHEP.
#include <algorithm>
#include <chrono>
#include <utility>

#include "api/answers.hpp"
#include "api/api.hpp"
#include "api/json.hpp"
#include "net/problem.hpp"
#include "people/access.hpp"

namespace hushcast::api {

namespace {

/// How long a listener waits for a stream that was started and does not sound yet (S36).
constexpr auto kStartingWait = std::chrono::seconds(5);
constexpr auto kStartingPoll = std::chrono::milliseconds(50);

net::HttpResponse created(const std::string& location, const std::string& sdp) {
    return {201,
            {{"Content-Type", "application/sdp"},
             {"Location", location},
             {"Cache-Control", "no-store"}},
            sdp};
}

net::HttpResponse empty(int status) {
    return {status, {{"Cache-Control", "no-store"}}, std::string()};
}

bool is_sdp(const net::HttpRequest& request, const net::HttpServer::Reply& reply) {
    if (media_type(request) == "application/sdp") return true;
    auto response = net::problem(415, "the body must be application/sdp");
    response.headers.emplace_back("Accept-Post", "application/sdp");
    reply(std::move(response));
    return false;
}

/// Reads `sdp` and checks `type`. @return  empty, after answering, when something is amiss.
std::string read_offer(Fields& fields,
                       const boost::json::object& body,
                       const net::HttpServer::Reply& reply) {
    std::string sdp = fields.text("sdp");
    std::string fault = fields.fault();
    if (fault.empty() && body.contains("type") && fields.text("type") != "offer") {
        fault = "type must be \"offer\"";
    }
    if (fault.empty()) return sdp;
    reply(net::problem(400, fault));
    return {};
}

}  // namespace

void Api::add_webrtc_routes() {
    router_.add("POST", "/api/webrtc/offer/",
                [this](const auto& request, const Places&, const Reply& reply) {
                    const auto body = read_json(request, reply, false);
                    if (!body) return;
                    Fields fields(*body);
                    const std::string session_id = fields.text("session_id");
                    const std::string sdp = read_offer(fields, *body, reply);
                    if (sdp.empty()) return;
                    const std::string name = owner_of(session_id);
                    if (name.empty()) {
                        return reply(net::problem(404, "there is no stream of that session"));
                    }
                    if (!people::may({name}, people::Action::Broadcast, name)) {
                        return reply(forbidden());
                    }
                    const auto answer = switchboard_.publish(Clock::now(), session_id, sdp);
                    config_.switchboard_used();
                    if (!answer) return reply(failure_response(answer.error()));
                    reply(json_response({{"sdp", answer.value().sdp},
                                         {"type", "answer"},
                                         {"session_id", answer.value().session_id}}));
                });
    router_.add(
        "POST", "/api/webrtc/listen/<name>/",
        [this](const auto& request, const Places& places, const Reply& reply) {
            const auto body = read_json(request, reply, false);
            if (!body) return;
            Fields fields(*body);
            std::string sdp = read_offer(fields, *body, reply);
            if (sdp.empty()) return;
            begin_listening(
                places[0], std::move(sdp), reply, [reply](const broadcast::Answer& answer) {
                    reply(json_response(
                        {{"sdp", answer.sdp}, {"type", "answer"}, {"peer_id", answer.peer_id}}));
                });
        });
    router_.add("POST", "/api/webrtc/hangup/",
                [this](const auto& request, const Places&, const Reply& reply) {
                    const auto body = read_json(request, reply, true);
                    if (!body) return;
                    Fields fields(*body);
                    const std::string peer_id = fields.text("peer_id");
                    if (!fields.fault().empty()) return reply(net::problem(400, fields.fault()));
                    switchboard_.hang_up(Clock::now(), peer_id);  // one that has gone is gone
                    config_.switchboard_used();
                    reply(empty(204));
                });
}

void Api::begin_listening(const std::string& name,
                          std::string sdp,
                          const Reply& reply,
                          std::function<void(const broadcast::Answer&)> answer) {
    if (!people::is_valid_name(name) || !knows(name)) return reply(no_such_name());
    if (!people::may({}, people::Action::Listen, name)) return reply(forbidden());
    listen(std::make_shared<const Listening>(
        Listening{name, std::move(sdp), Clock::now() + kStartingWait, std::move(answer), reply}));
}

void Api::listen(const std::shared_ptr<const Listening>& listening) {
    const Time now = Clock::now();
    const auto status = switchboard_.status(listening->name);
    if (status && status->state == broadcast::StreamState::Starting) {
        if (now >= listening->give_up) {
            return listening->reply(net::problem(409, "the stream has not begun to sound yet"));
        }
        return loop_.after(kStartingPoll, [this, listening] { listen(listening); });
    }
    const auto answer = switchboard_.listen(now, listening->name, listening->sdp);
    config_.switchboard_used();
    if (!answer) return listening->reply(failure_response(answer.error()));
    listening->answer(answer.value());
}

void Api::add_whip_routes() {
    const auto options = [](const auto&, const Places&, const Reply& reply) {
        auto response = empty(204);
        response.headers.emplace_back("Accept-Post", "application/sdp");
        reply(std::move(response));
    };
    // An ICE-lite server learns addresses from checks: trickled candidates tell it nothing.
    const auto trickle = [](const auto& request, const Places&, const Reply& reply) {
        reply(media_type(request) == "application/trickle-ice-sdpfrag"
                  ? empty(204)
                  : net::problem(415, "the body must be application/trickle-ice-sdpfrag"));
    };
    for (const char* door : {"/whip/<name>", "/whep/<name>"}) {
        router_.add("OPTIONS", door, options);
        router_.add("PATCH", std::string(door) + "/<peer>", trickle);
    }
    router_.add("POST", "/whip/<name>",
                [this](const auto& request, const Places& places, const Reply& reply) {
                    whip(request, places[0], reply);
                });
    router_.add(
        "DELETE", "/whip/<name>/<peer>",
        [this](const auto&, const Places& places, const Reply& reply) {
            const auto publisher = publishers_.find(places[1]);
            if (publisher == publishers_.end() || owner_of(publisher->second) != places[0]) {
                return reply(net::problem(404, "there is no such stream"));
            }
            if (!people::may({places[0]}, people::Action::Broadcast, places[0])) {
                return reply(forbidden());
            }
            publishers_.erase(publisher);
            const auto stopped = switchboard_.stop(Clock::now(), places[0]);
            config_.switchboard_used();
            reply(stopped ? empty(200) : failure_response(stopped.error()));
        });
    router_.add("POST", "/whep/<name>",
                [this](const auto& request, const Places& places, const Reply& reply) {
                    if (!is_sdp(request, reply)) return;
                    const std::string& name = places[0];
                    begin_listening(
                        name, request.body, reply, [reply, name](const broadcast::Answer& answer) {
                            reply(created("/whep/" + name + '/' + answer.peer_id, answer.sdp));
                        });
                });
    router_.add("DELETE", "/whep/<name>/<peer>",
                [this](const auto&, const Places& places, const Reply& reply) {
                    const bool there = switchboard_.hang_up(Clock::now(), places[1]);
                    config_.switchboard_used();
                    reply(there ? empty(200) : net::problem(404, "there is no such listener"));
                });
}

void Api::whip(const net::HttpRequest& request, const std::string& name, const Reply& reply) {
    if (!is_sdp(request, reply)) return;
    if (!people::is_valid_name(name)) return reply(no_such_name());
    if (!people::may({name}, people::Action::Broadcast, name)) return reply(forbidden());
    const bool denoise = request.parameter("denoise").value_or("1") != "0";

    const Time now = Clock::now();
    const auto started = switchboard_.start(now, name, denoise, false);
    if (!started) return reply(failure_response(started.error()));
    const std::string& session_id = started.value().session_id;
    const auto answer = switchboard_.publish(now, session_id, request.body);
    if (!answer) {
        static_cast<void>(switchboard_.stop(now, name));  // it has no sound to keep
        config_.switchboard_used();
        return reply(failure_response(answer.error()));
    }
    config_.switchboard_used();
    remember(name);
    std::erase_if(publishers_,
                  [this](const auto& entry) { return owner_of(entry.second).empty(); });
    publishers_[answer.value().peer_id] = session_id;
    reply(created("/whip/" + name + '/' + answer.value().peer_id, answer.value().sdp));
}

}  // namespace hushcast::api
