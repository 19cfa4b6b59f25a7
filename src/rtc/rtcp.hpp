// RTCP (RFC 3550 section 6, RFC 4585): compound packets in and out, and the statistics behind
// sender and receiver reports. No I/O; the caller protects and sends what is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "rtc/rtp.hpp"

namespace hushcast::rtc {

/// Opus counts RTP time at 48 kHz whatever it encodes (RFC 7587 section 4.1).
inline constexpr double kRtpClockHz = 48'000;

struct ReportBlock {
    std::uint32_t ssrc = 0;            ///< whom it is about
    std::uint8_t fraction_lost = 0;    ///< of 256, since the last report
    std::int32_t cumulative_lost = 0;  ///< 24 bits, signed
    std::uint32_t highest_sequence = 0;
    std::uint32_t jitter = 0;               ///< in RTP time units
    std::uint32_t last_sr = 0;              ///< middle 32 bits of the NTP time of the last SR
    std::uint32_t delay_since_last_sr = 0;  ///< in 1/65536 s
};

struct SenderInfo {
    std::uint32_t ssrc = 0;
    std::uint64_t ntp = 0;  ///< 32.32 fixed point
    std::uint32_t rtp_timestamp = 0;
    std::uint32_t packets = 0;
    std::uint32_t bytes = 0;
};

/// What we understand of one compound packet. Other packet types are skipped.
struct RtcpPacket {
    static constexpr std::size_t kMaxBlocks = 31;  ///< per SR or RR
    static constexpr std::size_t kMaxNacks = 256;  ///< sequence numbers asked for again

    std::optional<SenderInfo> sender;
    std::vector<ReportBlock> reports;
    std::vector<std::uint16_t> nacks;   ///< generic NACK (RFC 4585 section 6.2.1), expanded
    std::uint32_t nack_media_ssrc = 0;  ///< NACKs for a second one are skipped: we send one each
    std::vector<std::uint32_t> goodbyes;
    // A datagram of at most kMaxDatagramBytes bounds the blocks and goodbyes of many packets in
    // one.
};

/// Nothing when the compound packet is malformed (RFC 3550 appendix A.2; reduced-size RTCP of
/// RFC 5506 is accepted).
std::optional<RtcpPacket> parse_rtcp(Bytes packet);

/// Each writes one compound packet and gives its size, 0 when `out` is too small (128 bytes do for
/// a cname of up to 40 bytes, and for 25 scattered NACKs).
std::size_t write_sender_report(MutableBytes out, const SenderInfo& info, std::string_view cname);
std::size_t write_receiver_report(MutableBytes out,
                                  std::uint32_t ssrc,
                                  const ReportBlock& block,
                                  std::string_view cname);
std::size_t write_nack(MutableBytes out,
                       std::uint32_t ssrc,
                       std::uint32_t media_ssrc,
                       std::span<const std::uint16_t> sequences);
std::size_t write_goodbye(MutableBytes out, std::uint32_t ssrc, std::string_view cname);

/// Receiver's side of one source: loss and jitter as RFC 3550 appendices A.3 and A.8 compute them,
/// but late packets do not count as jitter: most of them are retransmissions. Another SSRC starts
/// anew.
class RtpReceiveStats {
public:
    void on_packet(Time arrival, const RtpPacket& packet);
    void on_sender_report(Time arrival, const SenderInfo& info);
    /// The report block; starts the next interval. Nothing before the first packet.
    std::optional<ReportBlock> report(Time now);

    [[nodiscard]] std::uint64_t received() const { return received_; }
    /// Packets never seen so far (late ones count as received again).
    [[nodiscard]] std::int64_t lost() const;
    [[nodiscard]] double jitter_ms() const { return jitter_ * 1000 / kRtpClockHz; }

private:
    std::uint32_t ssrc_ = 0;
    std::optional<Unwrapper<std::uint16_t>> sequence_;
    std::int64_t first_ = 0;
    std::int64_t highest_ = 0;
    std::uint64_t received_ = 0;
    std::int64_t expected_prior_ = 0;
    std::uint64_t received_prior_ = 0;
    double jitter_ = 0;                 ///< in samples at kRtpClockHz
    Time last_arrival_{};               ///< of the packet with the highest sequence number
    std::uint32_t last_timestamp_ = 0;  ///< likewise
    std::uint32_t last_sr_ = 0;
    Time last_sr_arrival_{};
};

/// NTP time of a wall-clock instant, 32.32 fixed point since 1900.
std::uint64_t ntp_time(std::chrono::system_clock::time_point wall);

/// Round-trip time from a report block about us (RFC 3550 section 6.4.1); nothing without a prior
/// SR.
std::optional<Duration> round_trip(const ReportBlock& block, std::uint64_t ntp_now);

}  // namespace hushcast::rtc
