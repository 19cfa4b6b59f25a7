// The inside of the switchboard, in two files: switchboard_streams.cpp has the streams and what
// ends them, switchboard_peers.cpp the peers and their datagrams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/log.hpp"
#include "broadcast/media_loop.hpp"
#include "broadcast/peer_table.hpp"
#include "broadcast/stream_shared.hpp"
#include "broadcast/switchboard.hpp"
#include "broadcast/worker_thread.hpp"
#include "rtc/dtls.hpp"
#include "rtc/outbox.hpp"
#include "rtc/sdp.hpp"

namespace hushcast::broadcast {

/// One broadcast, seen from the control thread.
struct Stream {
    StreamId id{};
    std::string name;
    std::string session_id;
    Time started{};
    std::string started_at;
    bool denoise = true;
    std::size_t worker = 0;
    StreamShared shared;

    std::optional<LegId> publisher;  ///< connected
    std::optional<LegId> candidate;  ///< offered and not yet connected; replaces the publisher then
    std::unordered_set<LegId> legs;  ///< all of them
    std::size_t listeners = 0;       ///< legs that listen, connected or not
    std::size_t hearing = 0;         ///< connected ones
    bool recorded = false;           ///< a recording was opened
    bool closing = false;            ///< waits for the worker to hand it back
};

class Switchboard::Impl {
public:
    Impl(SwitchboardConfig config, DatagramSink& datagrams, Recorder& recorder);

    Result<StreamStarted, Failure> start(Time now,
                                         std::string_view name,
                                         bool denoise,
                                         bool takeover);
    Result<StreamStopped, Failure> stop(Time now, std::string_view name);
    Result<Answer, Failure> publish(Time now, std::string_view session_id, std::string_view sdp);
    Result<Answer, Failure> listen(Time now, std::string_view name, std::string_view sdp);
    bool hang_up(Time now, std::string_view peer_id);
    Result<bool, Failure> set_denoise(Time now,
                                      std::string_view session_id,
                                      bool denoise,
                                      float attenuation_limit_db);
    [[nodiscard]] std::optional<StreamStatus> status(std::string_view name) const;
    [[nodiscard]] std::vector<StreamStatus> live() const;

    void on_datagram(Time now, const Path& from, Bytes datagram);
    void on_timeout(Time now);
    [[nodiscard]] Time next_timeout() const;
    void tick_workers(Time now);
    void shut_down(Time now);

private:
    struct Worker {
        std::unique_ptr<MediaLoop> loop;
        std::unique_ptr<WorkerThread> thread;
        std::size_t streams = 0;
    };

    // Streams.
    [[nodiscard]] Stream* find_by_name(std::string_view name) const;
    [[nodiscard]] Stream* find_by_session(std::string_view session_id) const;
    [[nodiscard]] StreamStatus describe(const Stream& stream) const;
    [[nodiscard]] std::size_t quietest_worker() const;
    StreamStopped end(Time now, Stream& stream, std::string_view reason);
    void closed(Time now, StreamId id);
    void take_events(Time now);
    void end_silent_streams(Time now);

    // Peers.
    Result<Answer, Failure> answer(Time now, Stream& stream, std::string_view sdp, bool publisher);
    void after(Time now, Leg& leg);
    void connected(Time now, Leg& leg);
    void gone(Time now, Leg& leg, std::string_view reason);
    void drop(Time now, Leg& leg);
    void forward(Time now, const Path& from, bool rtcp, Bytes datagram);
    void refuse(Time now);
    void send_outbox();
    Stream& stream_of(const Leg& leg) { return *streams_.at(leg.stream); }
    MediaLoop& loop_of(const Stream& stream) { return *workers_[stream.worker].loop; }

    SwitchboardConfig config_;
    DatagramSink& datagrams_;
    Recorder& recorder_;
    rtc::DtlsIdentity identity_;
    Time now_{};
    bool shut_down_ = false;

    std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
    StringMap<Stream*> by_name_;
    StringMap<Stream*> by_session_;
    PeerTable peers_;
    std::size_t listeners_ = 0;
    std::uint32_t last_id_ = 0;  ///< of streams and legs
    Time next_housekeeping_ = kNever;

    rtc::Outbox outbox_;
    log::OncePerSecond refused_log_;

    /// Last: their threads end before anything they use.
    std::vector<Worker> workers_;
};

}  // namespace hushcast::broadcast
