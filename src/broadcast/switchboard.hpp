// The control side of every broadcast: who streams, who listens, on which media worker, and which
// peer a datagram belongs to. Lives on the network thread; every member is called from there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "broadcast/sinks.hpp"
#include "broadcast/wall_clock.hpp"
#include "denoise/denoiser.hpp"

namespace hushcast::broadcast {

struct SwitchboardConfig {
    std::vector<Endpoint> candidates;  ///< handed to peers, best first
    std::size_t workers = 0;           ///< media workers; 0: one per core
    std::size_t max_streams = 200;
    std::size_t max_listeners = 20'000;  ///< in all
    std::size_t max_listeners_per_stream = 10'000;
    int listener_bitrate_bps = 64'000;
    Duration media_unstable_after = std::chrono::seconds(5);  ///< S34
    Duration media_timeout = std::chrono::seconds(20);        ///< S34
    Duration start_timeout = std::chrono::seconds(30);  ///< started, but no offer or no media came
    /// Makes the denoiser of one worker; called once per worker. Empty: every stream passes as it
    /// came.
    std::function<std::unique_ptr<denoise::Denoiser>()> make_denoiser;
    /// Called from every thread.
    WallClock wall_clock = [](Time) { return std::chrono::system_clock::now(); };
    /// Without, whoever owns the switchboard calls tick_workers() every 10 ms: simulations.
    bool own_threads = true;
};

enum class BroadcastError {
    AlreadyStreaming,  ///< S32
    NoSuchStream,
    NotStreaming,
    BadOffer,  ///< detail says why
    Full,      ///< a limit of SwitchboardConfig
};

struct Failure {
    BroadcastError error;
    std::string detail;  ///< a sentence for people
};

struct StreamStarted {
    std::string session_id;  ///< UUID
};

struct StreamStopped {
    std::string recording_id;  ///< empty when nothing was recorded
    double duration_s = 0;
};

struct Answer {
    std::string sdp;
    std::string session_id;  ///< of the stream
    std::string peer_id;     ///< of this leg (WHIP and WHEP resources)
};

enum class StreamState { Starting, Live, Unstable };

struct StreamStatus {
    std::string name;
    std::string session_id;
    std::string started_at;  ///< RFC 3339, UTC
    double elapsed_s = 0;
    bool denoise = true;
    StreamState state = StreamState::Starting;
    std::size_t listeners = 0;
    double input_level_db = -100;  ///< dBFS, of the last tenth of a second
    double output_level_db = -100;
    double loss_percent = 0;  ///< of the publisher's leg
    double jitter_ms = 0;
    double playout_delay_ms = 0;
    bool overloaded = false;  ///< the original audio passes for want of time (S51)
};

class Switchboard {
public:
    Switchboard(SwitchboardConfig config, DatagramSink& datagrams, Recorder& recorder);
    ~Switchboard();  ///< shuts down if that has not been done
    Switchboard(const Switchboard&) = delete;
    Switchboard& operator=(const Switchboard&) = delete;

    Result<StreamStarted, Failure> start(Time now,
                                         std::string_view name,
                                         bool denoise,
                                         bool takeover);
    Result<StreamStopped, Failure> stop(Time now, std::string_view name);
    /// The publisher's offer for a stream that was started.
    Result<Answer, Failure> publish(Time now, std::string_view session_id, std::string_view sdp);
    Result<Answer, Failure> listen(Time now, std::string_view name, std::string_view sdp);
    /// Ends one leg; false when there is none of that id.
    bool hang_up(Time now, std::string_view peer_id);
    Result<bool, Failure> set_denoise(Time now,
                                      std::string_view session_id,
                                      bool denoise,
                                      float attenuation_limit_db);

    [[nodiscard]] std::optional<StreamStatus> status(std::string_view name) const;
    [[nodiscard]] std::vector<StreamStatus> live() const;

    /// Network side.
    void on_datagram(Time now, const Path& from, Bytes datagram);
    void on_timeout(Time now);
    [[nodiscard]] Time next_timeout() const;

    /// One tick of every media worker; only when they have no threads of their own.
    void tick_workers(Time now);

    /// Says goodbye to every peer, closes every recording and ends the workers. Nothing starts
    /// again.
    void shut_down(Time now);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::broadcast
