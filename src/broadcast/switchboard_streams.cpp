// Streams: how they start, what they report, what ends them.
#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include "broadcast/secrets.hpp"
#include "broadcast/switchboard_impl.hpp"

namespace hushcast::broadcast {
namespace {

/// How often events of the workers are fetched and silent streams looked for.
constexpr std::chrono::milliseconds kHousekeeping{50};
/// The same while listeners wait for their goodbye.
constexpr std::chrono::milliseconds kHurriedHousekeeping{10};
/// At or above this the denoiser's attenuation has no limit.
constexpr float kNoLimitDb = 100;

Time last_media(const Stream& stream) {
    return Time(Duration(stream.shared.last_media.load(std::memory_order_relaxed)));
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Failure not_streaming(std::string_view name) {
    return {BroadcastError::NotStreaming, std::string(name) + " is not streaming."};
}

}  // namespace

Switchboard::Impl::Impl(SwitchboardConfig config, DatagramSink& datagrams, Recorder& recorder)
    : config_(std::move(config)), datagrams_(datagrams), recorder_(recorder) {
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    workers_.resize(config_.workers > 0 ? config_.workers : cores);
    for (Worker& worker : workers_) {
        auto denoiser = config_.make_denoiser ? config_.make_denoiser() : nullptr;
        worker.loop = std::make_unique<MediaLoop>(std::move(denoiser), datagrams_);
        if (config_.own_threads) worker.thread = std::make_unique<WorkerThread>(*worker.loop);
    }
}

Result<StreamStarted, Failure> Switchboard::Impl::start(Time now,
                                                        std::string_view name,
                                                        bool denoise,
                                                        bool takeover) {
    now_ = now;
    if (shut_down_) return Failure{BroadcastError::Full, "The server is shutting down."};
    if (Stream* present = find_by_name(name)) {
        if (!takeover) {
            return Failure{BroadcastError::AlreadyStreaming,
                           std::string(name) + " is already streaming."};
        }
        end(now, *present, "taken over");
    }
    if (by_name_.size() >= config_.max_streams) {
        return Failure{BroadcastError::Full, "The server carries as many streams as it may."};
    }

    auto owned = std::make_unique<Stream>();
    Stream& stream = *owned;
    stream.id = StreamId{++last_id_};
    stream.name = name;
    stream.session_id = random_uuid();
    stream.started = now;
    stream.started_at = rfc3339(config_.wall_clock(now));
    stream.denoise = denoise;
    stream.worker = quietest_worker();
    ++workers_[stream.worker].streams;
    by_name_.emplace(stream.name, &stream);
    by_session_.emplace(stream.session_id, &stream);
    streams_.emplace(stream.id, std::move(owned));

    const MediaStream::Settings settings{.id = stream.id,
                                         .denoise = denoise,
                                         .attenuation_limit_db = kNoLimitDb,
                                         .bitrate_bps = config_.listener_bitrate_bps,
                                         .ssrc = random_u32()};
    loop_of(stream).command(
        AddStream{std::make_unique<MediaStream>(settings, stream.shared, config_.wall_clock)});
    next_housekeeping_ = std::min(next_housekeeping_, now + kHousekeeping);
    log::info("stream_started",
              {{"name", stream.name}, {"session", stream.session_id}, {"denoise", denoise}});
    return StreamStarted{stream.session_id};
}

Result<StreamStopped, Failure> Switchboard::Impl::stop(Time now, std::string_view name) {
    now_ = now;
    Stream* stream = find_by_name(name);
    if (stream == nullptr) return not_streaming(name);
    return end(now, *stream, "stopped");
}

Result<Answer, Failure> Switchboard::Impl::publish(Time now,
                                                   std::string_view session_id,
                                                   std::string_view sdp) {
    now_ = now;
    Stream* stream = find_by_session(session_id);
    if (stream == nullptr) {
        return Failure{BroadcastError::NoSuchStream, "There is no stream of that session."};
    }
    return answer(now, *stream, sdp, true);
}

Result<Answer, Failure> Switchboard::Impl::listen(Time now,
                                                  std::string_view name,
                                                  std::string_view sdp) {
    now_ = now;
    Stream* stream = find_by_name(name);
    if (stream == nullptr) return not_streaming(name);
    if (stream->listeners >= config_.max_listeners_per_stream ||
        listeners_ >= config_.max_listeners) {
        return Failure{BroadcastError::Full, "As many listen as the server can serve."};
    }
    return answer(now, *stream, sdp, false);
}

Result<bool, Failure> Switchboard::Impl::set_denoise(Time now,
                                                     std::string_view session_id,
                                                     bool denoise,
                                                     float attenuation_limit_db) {
    now_ = now;
    Stream* stream = find_by_session(session_id);
    if (stream == nullptr) {
        return Failure{BroadcastError::NoSuchStream, "There is no stream of that session."};
    }
    const float limit = std::isnan(attenuation_limit_db)
                            ? kNoLimitDb
                            : std::clamp(attenuation_limit_db, 0.0F, kNoLimitDb);
    stream->denoise = denoise;
    loop_of(*stream).command(ChangeSettings{stream->id, denoise, limit});
    log::info("stream_settings",
              {{"name", stream->name}, {"denoise", denoise}, {"limit_db", limit}});
    return true;
}

std::optional<StreamStatus> Switchboard::Impl::status(std::string_view name) const {
    const Stream* stream = find_by_name(name);
    if (stream == nullptr) return std::nullopt;
    return describe(*stream);
}

std::vector<StreamStatus> Switchboard::Impl::live() const {
    std::vector<StreamStatus> all;
    all.reserve(by_name_.size());
    for (const auto& [name, stream] : by_name_) all.push_back(describe(*stream));
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
}

StreamStatus Switchboard::Impl::describe(const Stream& stream) const {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    const StreamShared& shared = stream.shared;
    StreamStatus status;
    status.name = stream.name;
    status.session_id = stream.session_id;
    status.started_at = stream.started_at;
    status.elapsed_s = seconds(now_ - stream.started);
    status.denoise = stream.denoise;
    if (last_media(stream) != Time{}) {
        const bool silent = now_ - last_media(stream) > config_.media_unstable_after;
        status.state = silent ? StreamState::Unstable : StreamState::Live;
    }
    status.listeners = stream.hearing;
    status.input_level_db = shared.input_level_db.load(kRelaxed);
    status.output_level_db = shared.output_level_db.load(kRelaxed);
    status.loss_percent = shared.loss_percent.load(kRelaxed);
    status.jitter_ms = shared.jitter_ms.load(kRelaxed);
    status.playout_delay_ms = shared.playout_delay_ms.load(kRelaxed);
    status.overloaded = shared.overloaded.load(kRelaxed);
    return status;
}

Stream* Switchboard::Impl::find_by_name(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

Stream* Switchboard::Impl::find_by_session(std::string_view session_id) const {
    const auto found = by_session_.find(session_id);
    return found == by_session_.end() ? nullptr : found->second;
}

std::size_t Switchboard::Impl::quietest_worker() const {
    const auto quietest =
        std::min_element(workers_.begin(), workers_.end(),
                         [](const Worker& a, const Worker& b) { return a.streams < b.streams; });
    return static_cast<std::size_t>(quietest - workers_.begin());
}

/// From here on the stream is unknown outside. Its recording is closed at once; the worker says
/// goodbye and hands the stream back, and only then are the peers hung up (closed()), so that the
/// goodbye is the first thing they hear.
StreamStopped Switchboard::Impl::end(Time now, Stream& stream, std::string_view reason) {
    by_name_.erase(stream.name);
    by_session_.erase(stream.session_id);
    stream.closing = true;
    loop_of(stream).command(RemoveStream{stream.id});
    next_housekeeping_ = std::min(next_housekeeping_, now + kHurriedHousekeeping);

    StreamStopped stopped{.recording_id = {}, .duration_s = seconds(now - stream.started)};
    if (const std::shared_ptr<RecordingTrack> track = stream.shared.recording.close()) {
        const RecordingResult result = recorder_.close(*track);
        stopped.recording_id = result.id;
        if (!result.id.empty()) stopped.duration_s = seconds(result.duration);
    }
    log::info("stream_ended", {{"name", stream.name},
                               {"session", stream.session_id},
                               {"reason", reason},
                               {"recording", stopped.recording_id},
                               {"seconds", stopped.duration_s}});
    return stopped;
}

void Switchboard::Impl::closed(Time now, StreamId id) {
    Stream& stream = *streams_.at(id);
    const std::vector<LegId> legs(stream.legs.begin(), stream.legs.end());
    for (const LegId leg : legs) drop(now, *peers_.find(leg));
    --workers_[stream.worker].streams;
    streams_.erase(id);
}

void Switchboard::Impl::take_events(Time now) {
    for (Worker& worker : workers_) {
        worker.loop->flush();
        while (const std::optional<Event> event = worker.loop->next_event()) {
            if (event->kind == Event::Kind::StreamClosed) {
                closed(now, event->stream);
            } else if (Leg* leg = peers_.find(event->leg)) {
                gone(now, *leg, "the peer said goodbye");
            }
        }
    }
}

void Switchboard::Impl::end_silent_streams(Time now) {
    std::vector<std::pair<Stream*, std::string_view>> ending;
    for (const auto& [name, stream] : by_name_) {
        const Time heard = last_media(*stream);
        if (heard == Time{} && now - stream->started >= config_.start_timeout) {
            ending.emplace_back(stream, "no sound ever came");
        } else if (heard != Time{} && now - heard >= config_.media_timeout) {
            ending.emplace_back(stream, "no sound comes any more");
        }
    }
    for (const auto& [stream, reason] : ending) end(now, *stream, reason);
}

void Switchboard::Impl::on_timeout(Time now) {
    now_ = now;
    while (Leg* leg = peers_.next_due(now)) {
        leg->transport->on_timeout(now, outbox_);
        after(now, *leg);
    }
    if (now < next_housekeeping_) return;
    take_events(now);
    end_silent_streams(now);
    const bool hurried = streams_.size() > by_name_.size();
    next_housekeeping_ =
        streams_.empty() ? kNever : now + (hurried ? kHurriedHousekeeping : kHousekeeping);
}

Time Switchboard::Impl::next_timeout() const {
    return std::min(next_housekeeping_, peers_.next_wake_up());
}

void Switchboard::Impl::tick_workers(Time now) {
    for (Worker& worker : workers_) worker.loop->tick(now, Duration::zero());
}

void Switchboard::Impl::shut_down(Time now) {
    if (std::exchange(shut_down_, true)) return;
    now = std::max(now, now_);
    while (!by_name_.empty()) end(now, *by_name_.begin()->second, "the server shuts down");
    for (Worker& worker : workers_) worker.thread.reset();
    // The threads are gone: what their last tick left is done here.
    while (!streams_.empty()) {
        take_events(now);
        tick_workers(now);
    }
    next_housekeeping_ = kNever;
}

}  // namespace hushcast::broadcast
