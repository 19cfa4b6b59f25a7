// Everyone who listens to one stream: the same payload under each one's own header and keys.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "broadcast/messages.hpp"
#include "broadcast/send_batch.hpp"
#include "broadcast/wall_clock.hpp"
#include "media/opus_codec.hpp"
#include "rtc/srtp.hpp"

namespace hushcast::broadcast {

/// One thread. Sending never waits, so a slow listener delays nobody.
class FanOut {
public:
    /// A sender report's pace (RFC 3550 section 6.2), spread over half to one and a half of it.
    static constexpr std::chrono::seconds kReportInterval{5};
    /// Forward error correction beyond this costs more quality than it saves.
    static constexpr int kMaxExpectedLossPercent = 30;
    /// Packets kept to be sent again: 1.3 s of them, longer than any listener's buffer waits.
    static constexpr std::size_t kHistory = 64;
    /// Sent again at one request; more than that is an outage, and would multiply a forged report.
    static constexpr std::size_t kMaxResent = 16;

    FanOut(const WallClock& wall_clock, std::uint32_t seed);

    void add(LegMedia leg, std::uint32_t ssrc);
    bool remove(LegId leg);
    void move(LegId leg, const Path& path);
    [[nodiscard]] bool empty() const { return listeners_.empty(); }
    [[nodiscard]] std::size_t size() const { return listeners_.size(); }

    /// One Opus packet for everybody. @param timestamp  in samples since the stream began.
    void send(Time now, Bytes payload, std::uint32_t timestamp, SendBatch& out);
    /// A listener's report, in place; what it asks for again is sent. Gives whether it said
    /// goodbye.
    bool on_rtcp(LegId leg, MutableBytes datagram, SendBatch& out);
    /// RTCP BYE to everyone.
    void say_goodbye(SendBatch& out);

    /// Loss that nine listeners of ten stay below, by their reports; the tenth would cost all
    /// others.
    [[nodiscard]] int expected_loss_percent() const;

private:
    struct Listener {
        LegMedia leg;
        std::uint32_t ssrc;
        std::uint16_t first_sequence;
        std::uint32_t timestamp_offset;
        std::uint64_t first_packet;  ///< number of the stream's packet that was its first
        std::uint32_t packets = 0;
        std::uint32_t bytes = 0;
        float loss_percent = 0;  ///< smoothed over its reports
        std::optional<Time> next_report{};
    };

    /// A packet of the stream, as it is kept.
    struct Sent {
        std::array<std::uint8_t, media::kMaxPayloadBytes> payload{};
        std::size_t size = 0;
        std::uint32_t timestamp = 0;
    };

    bool send_packet(Listener& listener, std::uint64_t number, SendBatch& out);
    void resend(Listener& listener, std::span<const std::uint16_t> sequences, SendBatch& out);
    void report_to(Time now, Listener& listener, std::uint32_t timestamp, SendBatch& out);
    void protect_rtcp(Listener& listener, MutableBytes buffer, std::size_t size, SendBatch& out);

    const WallClock& wall_clock_;
    std::minstd_rand random_;
    std::vector<Listener> listeners_;
    std::unordered_map<LegId, std::size_t> index_;
    std::array<Sent, kHistory> history_;  // packet n at n % kHistory
    std::uint64_t next_packet_ = 0;
};

}  // namespace hushcast::broadcast
