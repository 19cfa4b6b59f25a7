// Plausible RTP and RTCP packets of random shape for the SRTP tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "base/bytes.hpp"

namespace hushcast::rtc {

inline std::size_t random_below(std::mt19937& random, std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

/// With up to 15 CSRCs and, half of the time, an extension of up to 32 bytes.
inline std::vector<std::uint8_t> random_rtp(std::mt19937& random,
                                            std::uint16_t sequence,
                                            std::uint32_t ssrc,
                                            std::optional<std::size_t> payload = std::nullopt) {
    const std::size_t sources = random_below(random, 3) == 0 ? random_below(random, 16) : 0;
    const bool extended = random_below(random, 2) == 0;
    const std::size_t words = random_below(random, 9);
    std::vector<std::uint8_t> packet(1500);
    ByteWriter writer(packet);
    writer.u8(static_cast<std::uint8_t>(0x80U | (extended ? 0x10U : 0U) | sources));
    writer.u8(static_cast<std::uint8_t>(random_below(random, 256)));
    writer.u16(sequence);
    writer.u32(static_cast<std::uint32_t>(random()));
    writer.u32(ssrc);
    for (std::size_t i = 0; i < sources; ++i) writer.u32(static_cast<std::uint32_t>(random()));
    if (extended) {
        writer.u16(0xbede);
        writer.u16(static_cast<std::uint16_t>(words));
        writer.fill(0, words * 4);
    }
    const std::size_t body = payload.value_or(random_below(random, 200));
    for (std::size_t i = 0; i < body; ++i) {
        writer.u8(static_cast<std::uint8_t>(random_below(random, 256)));
    }
    packet.resize(writer.size());
    return packet;
}

inline std::vector<std::uint8_t> random_rtcp(std::mt19937& random, std::uint32_t ssrc) {
    const std::size_t words = random_below(random, 25);
    std::vector<std::uint8_t> packet(8 + words * 4);
    ByteWriter writer(packet);
    writer.u8(0x80);
    writer.u8(200);
    writer.u16(static_cast<std::uint16_t>(words + 1));
    writer.u32(ssrc);
    for (std::size_t i = 0; i < words; ++i) writer.u32(static_cast<std::uint32_t>(random()));
    return packet;
}

}  // namespace hushcast::rtc
