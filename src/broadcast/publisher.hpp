// The publisher's leg on the media worker: opening its packets, counting them, answering by RTCP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "broadcast/messages.hpp"
#include "broadcast/send_batch.hpp"
#include "media/ingest.hpp"
#include "rtc/rtcp.hpp"
#include "rtc/srtp.hpp"

namespace hushcast::broadcast {

/// One thread.
class Publisher {
public:
    /// How often it is told what arrived; also how quickly it adapts its own error correction.
    static constexpr std::chrono::seconds kReportInterval{1};
    /// Another SSRC takes over once the present one has been quiet for so long.
    static constexpr std::chrono::milliseconds kSourceSilence{500};
    /// We send it no sound, so no report tells us the round trip; most of the Internet is nearer.
    static constexpr std::chrono::milliseconds kAssumedRoundTrip{100};

    /// @param ssrc  of our own reports.
    explicit Publisher(std::uint32_t ssrc) : ssrc_(ssrc) {}

    /// Replaces the leg there was; the new one starts without any memory of it.
    void attach(LegMedia leg, bool nack);
    /// Only if this is the present leg.
    void detach(LegId leg);
    void move(LegId leg, const Path& path);
    [[nodiscard]] bool is(LegId leg) const { return leg_ && leg_->id == leg; }

    /// In place. Gives whether a packet of its sound went into `ingest`.
    bool on_rtp(Time arrival, MutableBytes datagram, media::Ingest& ingest);
    /// In place. Gives whether it said goodbye.
    bool on_rtcp(Time arrival, MutableBytes datagram);

    /// Once a tick: asks again for what is missing, reports when it is time.
    void tick(Time now, media::Ingest& ingest, SendBatch& out);
    void say_goodbye(SendBatch& out);

    [[nodiscard]] double loss_percent() const { return loss_percent_; }
    [[nodiscard]] double jitter_ms() const { return stats_.jitter_ms(); }
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    bool accept_source(Time arrival, std::uint32_t ssrc, media::Ingest& ingest);
    void send(MutableBytes buffer, std::size_t size, SendBatch& out);

    std::uint32_t ssrc_;
    std::optional<LegMedia> leg_;
    bool nack_ = false;
    std::optional<std::uint32_t> source_;  ///< the SSRC that is heard
    Time last_packet_{};
    Time next_report_{};
    rtc::RtpReceiveStats stats_;
    double loss_percent_ = 0;
    std::uint64_t dropped_ = 0;  ///< not authentic, malformed, of another source or payload type
};

}  // namespace hushcast::broadcast
