#include "rtc/rtp.hpp"

namespace hushcast::rtc {

namespace {

constexpr std::uint8_t kVersion = 2;
// RFC 8285: the two forms of a header extension. The low four bits of the second are free.
constexpr std::uint16_t kOneByteProfile = 0xbede;
constexpr std::uint16_t kTwoByteProfile = 0x1000;
constexpr std::uint16_t kTwoByteMask = 0xfff0;
constexpr std::uint8_t kReservedId = 15;  // one-byte form: nothing after it is to be read

/// The value of extension element `id`; empty when it is not there.
Bytes find_element(const RtpPacket& packet, std::uint8_t id) {
    const bool one_byte = packet.extension_profile == kOneByteProfile;
    if (!one_byte && (packet.extension_profile & kTwoByteMask) != kTwoByteProfile) return {};
    ByteReader reader(packet.extension);
    while (reader.remaining() > 0) {
        const std::uint8_t first = reader.u8();
        if (first == 0) continue;  // padding
        const auto found = static_cast<std::uint8_t>(one_byte ? first >> 4 : first);
        if (one_byte && found == kReservedId) return {};
        const std::size_t size = one_byte ? (first & 0x0fU) + 1U : reader.u8();
        const Bytes value = reader.bytes(size);
        if (found == id) return value;
    }
    return {};
}

}  // namespace

std::optional<RtpPacket> parse_rtp(Bytes datagram) {
    if (datagram.size() > kMaxDatagramBytes) return std::nullopt;
    ByteReader reader(datagram);
    const std::uint8_t first = reader.u8();
    const std::uint8_t second = reader.u8();
    RtpPacket packet;
    packet.marker = (second & 0x80) != 0;
    packet.payload_type = second & 0x7f;
    packet.sequence = reader.u16();
    packet.timestamp = reader.u32();
    packet.ssrc = reader.u32();
    reader.skip(std::size_t{4} * (first & 0x0f));  // CSRCs say nothing to us
    if ((first & 0x10) != 0) {
        packet.extension_profile = reader.u16();
        packet.extension = reader.bytes(std::size_t{4} * reader.u16());
    }
    if (!reader.ok() || first >> 6 != kVersion) return std::nullopt;
    packet.payload = reader.rest();
    if ((first & 0x20) != 0) {
        const std::size_t padding = packet.payload.empty() ? 0 : packet.payload.back();
        if (padding == 0 || padding > packet.payload.size()) return std::nullopt;
        packet.payload = packet.payload.first(packet.payload.size() - padding);
    }
    return packet;
}

void write_rtp_header(std::span<std::uint8_t, kRtpHeaderBytes> out, const RtpPacket& header) {
    ByteWriter writer(out);
    writer.u8(kVersion << 6);
    writer.u8(static_cast<std::uint8_t>((header.marker ? 0x80 : 0) | (header.payload_type & 0x7f)));
    writer.u16(header.sequence);
    writer.u32(header.timestamp);
    writer.u32(header.ssrc);
}

std::optional<std::uint8_t> audio_level_dbov(const RtpPacket& packet, std::uint8_t id) {
    if (id == 0) return std::nullopt;  // not a name, but padding
    const Bytes value = find_element(packet, id);
    if (value.empty()) return std::nullopt;
    return static_cast<std::uint8_t>(value[0] & 0x7f);  // the top bit says "voice"
}

}  // namespace hushcast::rtc
