// The catalogue of recordings and their sound files.
#include <chrono>
#include <utility>

#include <boost/json/array.hpp>

#include "api/answers.hpp"
#include "api/api.hpp"
#include "net/problem.hpp"
#include "people/access.hpp"

namespace hushcast::api {

namespace {

constexpr std::string_view kEnding = ".wav";

boost::json::value recording_json(const recordings::Facts& facts) {
    return {{"id", facts.id},
            {"title", facts.title},
            {"duration", std::chrono::duration<double>(facts.duration()).count()},
            {"created_at", facts.created_at},
            {"denoise", facts.denoise},
            {"complete", facts.complete},
            {"url", "/recordings/" + facts.owner + '/' + facts.id + std::string(kEnding)},
            {"size_bytes", facts.size_bytes()}};
}

}  // namespace

void Api::add_recording_routes() {
    router_.add("GET", "/api/recordings/<name>/",
                [this](const auto&, const Places& places, const Reply& reply) {
                    const std::string& name = places[0];
                    if (!people::is_valid_name(name)) return reply(no_such_name());
                    if (!people::may({}, people::Action::SeeRecordings, name)) {
                        return reply(forbidden());
                    }
                    boost::json::array list;
                    for (const auto& facts : library_.list(name)) {
                        list.push_back(recording_json(facts));
                    }
                    reply(json_response({{"recordings", std::move(list)}}));
                });
    router_.add("GET", "/recordings/<name>/<file>",
                [this](const auto&, const Places& places, const Reply& reply) {
                    const std::string& name = places[0];
                    std::string_view id = places[1];
                    if (!people::is_valid_name(name)) return reply(no_such_name());
                    if (!people::may({}, people::Action::FetchRecording, name)) {
                        return reply(forbidden());
                    }
                    if (!id.ends_with(kEnding)) {
                        return reply(net::problem(404, "there is no such recording"));
                    }
                    id.remove_suffix(kEnding.size());
                    const auto found = library_.find(name, id);
                    if (!found) return reply(net::problem(404, "there is no such recording"));
                    reply({200,
                           {{"Content-Type", "audio/wav"}, {"Cache-Control", "private, no-cache"}},
                           net::FileBody{found->path}});
                });
}

}  // namespace hushcast::api
