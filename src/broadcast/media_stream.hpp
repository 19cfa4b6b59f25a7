// The media side of one broadcast: from the publisher's packets to the listeners' and the
// recording.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "broadcast/fan_out.hpp"
#include "broadcast/levels.hpp"
#include "broadcast/messages.hpp"
#include "broadcast/noise_stage.hpp"
#include "broadcast/publisher.hpp"
#include "broadcast/send_batch.hpp"
#include "broadcast/stream_shared.hpp"
#include "broadcast/wall_clock.hpp"
#include "denoise/denoiser.hpp"
#include "media/ingest.hpp"
#include "media/opus_codec.hpp"

namespace hushcast::broadcast {

/// Made and freed on the control thread, used by one worker in between.
class MediaStream {
public:
    static constexpr std::size_t kHop = denoise::kHop;
    /// Sound taken from one stream in one tick: 60 ms, the longest packet a browser sends. A
    /// backlog is worked off at six times its speed without delaying the others for long.
    static constexpr std::size_t kMaxHopsPerTick = 6;

    struct Settings {
        StreamId id{};
        bool denoise = true;
        float attenuation_limit_db = 100;
        int bitrate_bps = 64'000;
        std::uint32_t ssrc = 0;  ///< of our reports to the publisher; seeds what need not be secret
    };

    MediaStream(const Settings& settings, StreamShared& shared, const WallClock& wall_clock);

    /// On the worker, before anything else. @param denoiser  null when there is none.
    void join(const denoise::Denoiser* denoiser);

    [[nodiscard]] StreamId id() const { return settings_.id; }
    void change(bool denoise, float attenuation_limit_db);
    void set_publisher(LegMedia leg, bool nack) { publisher_.attach(std::move(leg), nack); }
    void add_listener(LegMedia leg, std::uint32_t ssrc) { listeners_.add(std::move(leg), ssrc); }
    void remove_leg(LegId leg);
    void move_leg(LegId leg, const Path& path);
    [[nodiscard]] const FanOut& listeners() const { return listeners_; }

    /// Gives whether the packet was a goodbye.
    bool on_packet(Packet& packet, SendBatch& out);

    // --- a tick, in this order; begin and finish once for each hop there is -------------------

    /// Decodes what is due.
    void pull(Time now);
    [[nodiscard]] bool has_hop() const { return next_hop_ < hops_; }
    std::optional<denoise::Lane> begin_hop(bool relief);
    void finish_hop(Time now, SendBatch& out);
    /// Reports and figures.
    void end_tick(Time now, bool relief, SendBatch& out);

    /// RTCP BYE to the publisher and every listener.
    void say_goodbye(SendBatch& out);

private:
    /// 20 ms, and 10 ms where the incoming packets' boundaries have shifted by a hop.
    static constexpr std::size_t kFrameHops = 2;
    static constexpr std::chrono::seconds kLossInterval{1};

    void send_frame(Time now, SendBatch& out);
    void adapt_to_loss(Time now);

    Settings settings_;
    StreamShared& shared_;

    Publisher publisher_;
    media::Ingest ingest_;
    std::array<float, kMaxHopsPerTick * kHop> pulled_{};
    std::size_t hops_ = 0;
    std::size_t next_hop_ = 0;

    std::optional<NoiseStage> noise_;
    LevelMeter input_level_;
    LevelMeter output_level_;

    std::array<float, kFrameHops * kHop> frame_{};
    std::size_t frame_hops_ = 0;
    media::Encoder encoder_;
    std::array<std::uint8_t, media::kMaxPayloadBytes> payload_{};
    std::uint32_t timestamp_ = 0;  ///< of the frame's first sample

    FanOut listeners_;
    Time next_loss_{};
    double expected_loss_percent_ = 0;
};

}  // namespace hushcast::broadcast
