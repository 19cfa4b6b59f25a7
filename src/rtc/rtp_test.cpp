#include "rtc/rtp.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace hushcast::rtc {
namespace {

using Packet = std::vector<std::uint8_t>;

Packet header(std::uint8_t first) { return {first, 0xef, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8}; }

Packet join(Packet front, const Packet& back) {
    front.insert(front.end(), back.begin(), back.end());
    return front;
}

Packet payload_of(const Packet& packet) {
    const auto parsed = parse_rtp(packet);
    return parsed ? Packet(parsed->payload.begin(), parsed->payload.end()) : Packet{0xde, 0xad};
}

TEST(Rtp, ReadsWhatItWrites) {
    RtpPacket packet;
    packet.payload_type = 111;
    packet.marker = true;
    packet.sequence = 0xfffe;
    packet.timestamp = 0x89abcdef;
    packet.ssrc = 0xdeadbeef;
    std::array<std::uint8_t, kRtpHeaderBytes> bytes{};
    write_rtp_header(bytes, packet);
    const auto read = parse_rtp(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->payload_type, 111);
    EXPECT_TRUE(read->marker);
    EXPECT_EQ(read->sequence, 0xfffe);
    EXPECT_EQ(read->timestamp, 0x89abcdef);
    EXPECT_EQ(read->ssrc, 0xdeadbeef);
    EXPECT_TRUE(read->payload.empty());
    EXPECT_TRUE(read->extension.empty());
}

TEST(Rtp, FindsThePayloadBehindSourcesAndExtension) {
    const Packet sources{1, 1, 1, 1, 2, 2, 2, 2};
    const Packet extension{0xbe, 0xde, 0, 1, 0x10, 0x85, 0, 0};
    const Packet packet = join(join(join(header(0x92), sources), extension), {7, 8, 9});
    EXPECT_EQ(payload_of(packet), (Packet{7, 8, 9}));
    EXPECT_EQ(parse_rtp(packet)->extension.size(), 4U);
    EXPECT_EQ(parse_rtp(packet)->extension_profile, 0xbede);
    for (std::size_t size = 0; size < packet.size() - 3; ++size) {
        EXPECT_FALSE(parse_rtp(Bytes(packet).first(size))) << size;
    }
}

TEST(Rtp, PaddingIsCutOffAndLyingPaddingRefused) {
    EXPECT_EQ(payload_of(join(header(0xa0), {7, 8, 0, 2})), (Packet{7, 8}));
    EXPECT_EQ(payload_of(join(header(0xa0), {0, 0, 3})), Packet{}) << "padding alone is a packet";
    EXPECT_FALSE(parse_rtp(join(header(0xa0), {7, 8, 0})));
    EXPECT_FALSE(parse_rtp(join(header(0xa0), {7, 8, 4})));
    EXPECT_FALSE(parse_rtp(header(0xa0)));
}

TEST(Rtp, RefusesOtherVersionsAndSizes) {
    EXPECT_FALSE(parse_rtp(header(0x40)));
    EXPECT_FALSE(parse_rtp(header(0xc0)));
    EXPECT_TRUE(parse_rtp(join(header(0x80), Packet(kMaxDatagramBytes - kRtpHeaderBytes))));
    EXPECT_FALSE(parse_rtp(join(header(0x80), Packet(kMaxDatagramBytes - kRtpHeaderBytes + 1))));
    EXPECT_FALSE(parse_rtp(join(header(0x90), {0xbe, 0xde, 0xff, 0xff, 0, 0})));
}

std::optional<std::uint8_t> level(std::uint16_t profile, const Packet& extension, std::uint8_t id) {
    RtpPacket packet;
    packet.extension_profile = profile;
    packet.extension = extension;
    return audio_level_dbov(packet, id);
}

TEST(AudioLevel, IsReadFromBothForms) {
    EXPECT_EQ(level(0xbede, {0x20, 0xff, 0x10, 0x85}, 1), 5) << "the voice flag is no part of it";
    EXPECT_EQ(level(0xbede, {0, 0, 0x10, 127}, 1), 127) << "padding between elements";
    EXPECT_EQ(level(0xbede, {0x10, 0}, 1), 0);
    EXPECT_EQ(level(0x1000, {2, 1, 9, 1, 1, 0x85}, 1), 5);
    EXPECT_EQ(level(0x100f, {0, 0, 200, 1, 3}, 200), 3) << "application bits and large ids";
    EXPECT_EQ(level(0x1000, {1, 0, 2, 1, 7}, 2), 7) << "an empty element before it";
}

TEST(AudioLevel, IsNothingWhereItIsNot) {
    EXPECT_EQ(level(0xbede, {0x20, 0xff}, 1), std::nullopt);
    EXPECT_EQ(level(0xbede, {}, 1), std::nullopt);
    EXPECT_EQ(level(0xbede, {0x10}, 1), std::nullopt) << "the value is cut off";
    EXPECT_EQ(level(0xbede, {0x2f, 1, 2, 3}, 1), std::nullopt) << "an element longer than the rest";
    EXPECT_EQ(level(0xbede, {0xf0, 9, 0x10, 0x85}, 1), std::nullopt) << "15 ends the list";
    EXPECT_EQ(level(0xbede, {0, 0, 0, 0}, 0), std::nullopt) << "0 is padding, no name";
    EXPECT_EQ(level(0x1000, {1, 0}, 1), std::nullopt) << "empty";
    EXPECT_EQ(level(0x1000, {1}, 1), std::nullopt);
    EXPECT_EQ(level(0xabcd, {0x10, 0x85}, 1), std::nullopt);
}

TEST(Unwrapper, FollowsBothWaysAroundTheWrap) {
    Unwrapper<std::uint16_t> counter;
    EXPECT_EQ(counter.unwrap(0xfffe), 0xfffe);
    EXPECT_EQ(counter.unwrap(1), 0x10001);
    EXPECT_EQ(counter.unwrap(0xffff), 0xffff) << "late, from before the wrap";
    EXPECT_EQ(counter.unwrap(2), 0x10002) << "a late one moves nothing";
    for (int round = 1; round < 5; ++round) {
        counter.unwrap(0x5000);
        counter.unwrap(0xa000);
        EXPECT_EQ(counter.unwrap(3), 0x10003 + round * 0x10000);
    }
}

TEST(Unwrapper, MayGoBelowItsFirstValue) {
    Unwrapper<std::uint32_t> counter;
    EXPECT_EQ(counter.unwrap(1), 1);
    EXPECT_EQ(counter.unwrap(0xffff'ffff), -1);
    EXPECT_EQ(counter.unwrap(0x7fff'ffff), 0x7fff'ffff);
}

}  // namespace
}  // namespace hushcast::rtc
