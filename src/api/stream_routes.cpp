// Starting, stopping and watching streams.
#include <utility>

#include <boost/json/array.hpp>

#include "api/answers.hpp"
#include "api/api.hpp"
#include "api/json.hpp"
#include "net/problem.hpp"
#include "people/access.hpp"

namespace hushcast::api {

namespace {

constexpr double kNoLimitDb = 100;

constexpr const char* kBadName = "name must have 2 to 32 characters of A-Z a-z 0-9 _ . -";

}  // namespace

void Api::add_stream_routes() {
    router_.add(
        "POST", "/api/stream/start/",
        [this](const auto& request, const Places&, const Reply& reply) { start(request, reply); });
    router_.add(
        "POST", "/api/stream/stop/",
        [this](const auto& request, const Places&, const Reply& reply) { stop(request, reply); });
    router_.add("POST", "/api/stream/settings/",
                [this](const auto& request, const Places&, const Reply& reply) {
                    change_settings(request, reply);
                });
    router_.add("GET", "/api/stream/status/<name>/",
                [this](const auto&, const Places& places, const Reply& reply) {
                    const std::string& name = places[0];
                    if (!people::is_valid_name(name)) return reply(no_such_name());
                    if (!people::may({}, people::Action::SeeStatus, name)) {
                        return reply(forbidden());
                    }
                    if (const auto status = switchboard_.status(name)) {
                        return reply(json_response(status_json(*status)));
                    }
                    reply(knows(name) ? json_response(silent_json(name)) : no_such_name());
                });
    router_.add("GET", "/api/streams/", [this](const auto&, const Places&, const Reply& reply) {
        boost::json::array streams;
        for (const auto& status : switchboard_.live()) {
            if (people::may({}, people::Action::SeeStatus, status.name)) {
                streams.push_back(status_json(status));
            }
        }
        reply(json_response({{"streams", std::move(streams)}}));
    });
}

void Api::start(const net::HttpRequest& request, const Reply& reply) {
    const auto body = read_json(request, reply, false);
    if (!body) return;
    Fields fields(*body);
    const std::string name = fields.text("name");
    const bool denoise = fields.truth("denoise", true);
    const bool takeover = fields.truth("takeover", false);
    const auto limit_db = fields.number("attenuation_limit_db", 0, kNoLimitDb);
    if (!fields.fault().empty()) return reply(net::problem(400, fields.fault()));
    if (!people::is_valid_name(name)) return reply(net::problem(400, kBadName));
    if (!people::may({name}, people::Action::Broadcast, name)) return reply(forbidden());

    const Time now = Clock::now();
    const auto started = switchboard_.start(now, name, denoise, takeover);
    if (!started) return reply(failure_response(started.error()));
    const std::string& session_id = started.value().session_id;
    if (limit_db) {
        const auto set =
            switchboard_.set_denoise(now, session_id, denoise, static_cast<float>(*limit_db));
        if (!set) return reply(failure_response(set.error()));
    }
    remember(name);
    config_.switchboard_used();
    reply(json_response({{"session_id", session_id}, {"status", "started"}}));
}

void Api::stop(const net::HttpRequest& request, const Reply& reply) {
    // A beacon of a page that goes away can only send text.
    const auto body = read_json(request, reply, true);
    if (!body) return;
    Fields fields(*body);
    const std::string session_id = fields.text("session_id");
    if (!fields.fault().empty()) return reply(net::problem(400, fields.fault()));
    const std::string name = owner_of(session_id);
    if (name.empty()) return reply(net::problem(409, "No active stream"));
    if (!people::may({name}, people::Action::Broadcast, name)) return reply(forbidden());

    const auto stopped = switchboard_.stop(Clock::now(), name);
    config_.switchboard_used();
    if (!stopped) return reply(failure_response(stopped.error()));
    reply(json_response({{"status", "stopped"},
                         {"recording_id", stopped.value().recording_id},
                         {"duration", stopped.value().duration_s}}));
}

void Api::change_settings(const net::HttpRequest& request, const Reply& reply) {
    const auto body = read_json(request, reply, false);
    if (!body) return;
    Fields fields(*body);
    const std::string session_id = fields.text("session_id");
    const std::string name = owner_of(session_id);
    const auto before = switchboard_.status(name);
    const bool denoise = fields.truth("denoise", before ? before->denoise : true);
    const auto limit_db = fields.number("attenuation_limit_db", 0, kNoLimitDb);
    if (!fields.fault().empty()) return reply(net::problem(400, fields.fault()));
    if (!before) return reply(net::problem(404, "there is no stream of that session"));
    if (!people::may({name}, people::Action::Broadcast, name)) return reply(forbidden());

    const auto set = switchboard_.set_denoise(Clock::now(), session_id, denoise,
                                              static_cast<float>(limit_db.value_or(kNoLimitDb)));
    config_.switchboard_used();
    if (!set) return reply(failure_response(set.error()));
    const auto status = switchboard_.status(name);
    reply(status ? json_response(status_json(*status)) : no_such_name());
}

}  // namespace hushcast::api
