// RTP packets (RFC 3550 section 5) and sequence arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

#include "base/bytes.hpp"

namespace hushcast::rtc {

inline constexpr std::size_t kRtpHeaderBytes = 12;
/// Nothing on the wire is larger: the path MTU of Ethernet. Larger datagrams are dropped.
inline constexpr std::size_t kMaxDatagramBytes = 1500;

/// A parsed packet; the spans point into the datagram.
struct RtpPacket {
    std::uint8_t payload_type = 0;
    bool marker = false;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    Bytes extension;  ///< body of the header extension, without its profile and length
    std::uint16_t extension_profile = 0;
    Bytes payload;  ///< without padding
};

/// Nothing when the bytes are no RTP version 2 packet.
std::optional<RtpPacket> parse_rtp(Bytes datagram);

/// Writes a header without CSRCs or extension; the payload follows it. Always kRtpHeaderBytes.
void write_rtp_header(std::span<std::uint8_t, kRtpHeaderBytes> out, const RtpPacket& header);

/// ssrc-audio-level (RFC 6464): the level in -dBov, 0 (loudest) to 127, of extension `id`.
std::optional<std::uint8_t> audio_level_dbov(const RtpPacket& packet, std::uint8_t id);

/// Unwraps a counter of Bits bits to 64, relative to the largest one seen.
template <typename Narrow>
class Unwrapper {
public:
    std::int64_t unwrap(Narrow value) {
        if (!last_) {
            last_ = value;
            return *last_;
        }
        using Signed = std::make_signed_t<Narrow>;
        const auto step =
            static_cast<Signed>(static_cast<Narrow>(value - static_cast<Narrow>(*last_)));
        const std::int64_t unwrapped = *last_ + step;
        if (step > 0) last_ = unwrapped;
        return unwrapped;
    }

private:
    std::optional<std::int64_t> last_;
};

}  // namespace hushcast::rtc
