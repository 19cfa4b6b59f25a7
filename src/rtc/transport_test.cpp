#include "rtc/transport.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rtc/stun.hpp"

namespace hushcast::rtc {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};
const IceCredentials kLocal{"serv", "0123456789abcdefghijkl"};
const IceCredentials kRemote{"peer", "abcdefghijkl0123456789"};
const Path kHome{{IpAddress::v4(198, 51, 100, 1), 4000}, IpAddress::v4(192, 0, 2, 1)};
const Path kStranger{{IpAddress::v4(203, 0, 113, 2), 5000}, IpAddress::v4(192, 0, 2, 1)};

const DtlsIdentity& identity() {
    static const DtlsIdentity kIdentity;
    return kIdentity;
}

PacketKind kind_of(std::uint8_t first, std::uint8_t second = 0, std::size_t size = 100) {
    std::vector<std::uint8_t> datagram(size);
    if (size > 0) datagram[0] = first;
    if (size > 1) datagram[1] = second;
    return classify(datagram);
}

TEST(Classify, FollowsTheFirstByte) {
    for (int first = 0; first < 256; ++first) {
        PacketKind expected = PacketKind::Unknown;
        if (first <= 3) expected = PacketKind::Stun;
        if (first >= 20 && first <= 63) expected = PacketKind::Dtls;
        if (first >= 128 && first <= 191) expected = PacketKind::Rtp;
        EXPECT_EQ(kind_of(static_cast<std::uint8_t>(first)), expected) << first;
    }
}

TEST(Classify, TellsRtcpByItsPacketType) {
    EXPECT_EQ(kind_of(0x80, 200), PacketKind::Rtcp);
    EXPECT_EQ(kind_of(0x80, 192), PacketKind::Rtcp);
    EXPECT_EQ(kind_of(0x80, 223), PacketKind::Rtcp);
    EXPECT_EQ(kind_of(0x80, 111), PacketKind::Rtp);
    EXPECT_EQ(kind_of(0x80, 0x80 | 111), PacketKind::Rtp) << "with the marker";
    EXPECT_EQ(kind_of(0x80, 191), PacketKind::Rtp);
    EXPECT_EQ(kind_of(0x80, 224), PacketKind::Rtp);
}

TEST(Classify, WantsAWholeHeader) {
    EXPECT_EQ(classify({}), PacketKind::Unknown);
    EXPECT_EQ(kind_of(0, 0, 19), PacketKind::Unknown);
    EXPECT_EQ(kind_of(22, 0, 12), PacketKind::Unknown);
    EXPECT_EQ(kind_of(128, 111, 11), PacketKind::Unknown);
    EXPECT_EQ(kind_of(128, 200, 7), PacketKind::Unknown);
    EXPECT_EQ(kind_of(128, 200, 8), PacketKind::Rtcp);
    EXPECT_EQ(kind_of(128, 0, 1), PacketKind::Unknown);
}

StunPacket check() {
    return write_check({.username = "serv:peer", .password = kLocal.password, .nominate = true});
}

TEST(Transport, TheClientStartsWithTheFirstValidPath) {
    Transport transport(kStart, identity(), DtlsRole::Client, kLocal, kRemote, {});
    Outbox out;
    EXPECT_EQ(transport.next_timeout(), kStart + IceLite::kConnectTimeout);
    transport.on_datagram(kStart, kHome, check().bytes(), out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(classify(out[0].bytes), PacketKind::Stun);
    EXPECT_EQ(classify(out[1].bytes), PacketKind::Dtls);
    EXPECT_EQ(out[1].path, kHome);
    EXPECT_EQ(transport.next_timeout(), kStart + DtlsSession::kFirstRetransmission);
    out.clear();
    transport.on_datagram(kStart, kHome, check().bytes(), out);
    EXPECT_EQ(out.size(), 1U) << "and starts once";
}

TEST(Transport, TheServerWaitsForTheClient) {
    Transport transport(kStart, identity(), DtlsRole::Server, kLocal, kRemote, {});
    Outbox out;
    transport.on_datagram(kStart, kHome, check().bytes(), out);
    EXPECT_EQ(out.size(), 1U);
    EXPECT_EQ(transport.state(), TransportState::Connecting);
}

TEST(Transport, DtlsCountsOnlyOnAValidPath) {
    DtlsSession client(identity(), DtlsRole::Client, identity().fingerprint());
    DtlsSession::Flight hello;
    client.start(kStart, hello);
    Transport transport(kStart, identity(), DtlsRole::Server, kLocal, kRemote,
                        identity().fingerprint());
    Outbox out;
    transport.on_datagram(kStart, kHome, hello.at(0), out);
    EXPECT_TRUE(out.empty()) << "no check yet";
    transport.on_datagram(kStart, kHome, check().bytes(), out);
    out.clear();
    transport.on_datagram(kStart, kStranger, hello.at(0), out);
    EXPECT_TRUE(out.empty()) << "somebody else";
    transport.on_datagram(kStart, kHome, hello.at(0), out);
    EXPECT_FALSE(out.empty());
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i].path, kHome);
}

TEST(Transport, NobodyComes) {
    Transport transport(kStart, identity(), DtlsRole::Client, kLocal, kRemote, {});
    Outbox out;
    transport.on_timeout(kStart + IceLite::kConnectTimeout - 1ns, out);
    EXPECT_EQ(transport.state(), TransportState::Connecting);
    transport.on_timeout(kStart + IceLite::kConnectTimeout, out);
    EXPECT_EQ(transport.state(), TransportState::Failed);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(transport.next_timeout(), kNever);
    transport.on_datagram(kStart + 31s, kHome, check().bytes(), out);
    EXPECT_TRUE(out.empty()) << "what has failed stays failed";
}

TEST(Transport, ALateCheckDoesNotRevive) {
    Transport transport(kStart, identity(), DtlsRole::Client, kLocal, kRemote, {});
    Outbox out;
    transport.on_datagram(kStart + IceLite::kConnectTimeout, kHome, check().bytes(), out);
    EXPECT_EQ(transport.state(), TransportState::Failed);
    EXPECT_TRUE(out.empty());
}

TEST(Transport, TheHandshakeHasItsTimeEvenIfChecksGoOn) {
    Transport transport(kStart, identity(), DtlsRole::Client, kLocal, kRemote, {});
    Outbox out;
    for (Time now = kStart; transport.state() == TransportState::Connecting; now += 1s) {
        ASSERT_LE(now - kStart, DtlsSession::kHandshakeTimeout);
        transport.on_datagram(now, kHome, check().bytes(), out);
        transport.on_timeout(now, out);
    }
    EXPECT_EQ(transport.state(), TransportState::Failed);
}

TEST(Transport, CloseBeforeAnythingIsSilent) {
    Transport transport(kStart, identity(), DtlsRole::Server, kLocal, kRemote, {});
    Outbox out;
    transport.close(kStart, out);
    EXPECT_EQ(transport.state(), TransportState::Closed);
    EXPECT_TRUE(out.empty());
    EXPECT_EQ(transport.next_timeout(), kNever);
}

}  // namespace
}  // namespace hushcast::rtc
