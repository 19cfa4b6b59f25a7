#include "rtc/rtcp.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace hushcast::rtc {
namespace {

using namespace std::chrono_literals;
using Packet = std::vector<std::uint8_t>;

constexpr Time kStart{};

/// One RTCP packet; the body is a whole number of words.
Packet rtcp(std::uint8_t first, std::uint8_t type, const Packet& body) {
    const auto words = static_cast<std::uint8_t>(body.size() / 4);
    Packet packet{first, type, 0, words};
    packet.insert(packet.end(), body.begin(), body.end());
    return packet;
}

Packet join(Packet front, const Packet& back) {
    front.insert(front.end(), back.begin(), back.end());
    return front;
}

TEST(Rtcp, SenderReportGoesAround) {
    std::array<std::uint8_t, 128> out{};
    const SenderInfo info{0xdeadbeef, 0x0123456789abcdef, 48'000, 50, 6000};
    for (const std::string_view cname : {"", "a", "ab", "abc", "abcd", "hushcast"}) {
        const std::size_t size = write_sender_report(out, info, cname);
        ASSERT_GT(size, 0U);
        EXPECT_EQ(size % 4, 0U);
        const auto parsed = parse_rtcp(Bytes(out).first(size));
        ASSERT_TRUE(parsed && parsed->sender);
        EXPECT_EQ(parsed->sender->ssrc, info.ssrc);
        EXPECT_EQ(parsed->sender->ntp, info.ntp);
        EXPECT_EQ(parsed->sender->rtp_timestamp, info.rtp_timestamp);
        EXPECT_EQ(parsed->sender->packets, info.packets);
        EXPECT_EQ(parsed->sender->bytes, info.bytes);
    }
}

TEST(Rtcp, ReceiverReportGoesAround) {
    std::array<std::uint8_t, 128> out{};
    const ReportBlock block{1, 200, -5, 0x10005, 77, 0xaabbccdd, 65'536};
    const std::size_t size = write_receiver_report(out, 9, block, std::string(40, 'c'));
    const auto parsed = parse_rtcp(Bytes(out).first(size));
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->reports.size(), 1U);
    EXPECT_EQ(parsed->reports[0].ssrc, 1U);
    EXPECT_EQ(parsed->reports[0].fraction_lost, 200);
    EXPECT_EQ(parsed->reports[0].cumulative_lost, -5);
    EXPECT_EQ(parsed->reports[0].highest_sequence, 0x10005U);
    EXPECT_EQ(parsed->reports[0].jitter, 77U);
    EXPECT_EQ(parsed->reports[0].last_sr, 0xaabbccddU);
    EXPECT_EQ(parsed->reports[0].delay_since_last_sr, 65'536U);
}

TEST(Rtcp, NackIsPackedAndExpanded) {
    std::array<std::uint8_t, 128> out{};
    const std::vector<std::uint16_t> asked{0xfffe, 0xffff, 3, 14, 15, 400};
    const std::size_t size = write_nack(out, 1, 2, asked);
    EXPECT_EQ(size, 8U + 12U + 3 * 4U) << "65534 to 14 share one, 15 and 400 have their own";
    const auto parsed = parse_rtcp(Bytes(out).first(size));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->nacks, asked);
    EXPECT_EQ(parsed->nack_media_ssrc, 2U);
    EXPECT_EQ(write_nack(out, 1, 2, {}), 0U);
}

TEST(Rtcp, GoodbyeGoesAround) {
    std::array<std::uint8_t, 128> out{};
    const auto parsed = parse_rtcp(Bytes(out).first(write_goodbye(out, 7, "hushcast")));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->goodbyes, std::vector<std::uint32_t>{7});
}

TEST(Rtcp, WhatDoesNotFitIsNotWritten) {
    const std::vector<std::uint16_t> scattered{0, 100, 200, 300};
    for (std::size_t room = 0; room < 128; ++room) {
        Packet out(room);
        for (const std::size_t size :
             {write_sender_report(out, {}, "cname"), write_receiver_report(out, 1, {}, "cname"),
              write_nack(out, 1, 2, scattered), write_goodbye(out, 1, "cname")}) {
            EXPECT_LE(size, room);
        }
    }
    std::array<std::uint8_t, 128> out{};
    EXPECT_EQ(write_sender_report(out, {}, std::string(100, 'c')), 0U);
    std::array<std::uint8_t, 512> large{};
    EXPECT_GT(write_sender_report(large, {}, std::string(1000, 'c')), 0U) << "cut to 255";
}

TEST(Rtcp, TruncatedCompoundsAreRefused) {
    std::array<std::uint8_t, 128> out{};
    const std::size_t size = write_receiver_report(out, 1, {}, "cname");
    const std::size_t first = 32;  // a receiver report of one block ends here
    for (std::size_t cut = 0; cut < size; ++cut) {
        EXPECT_EQ(parse_rtcp(Bytes(out).first(cut)).has_value(), cut == first) << cut;
    }
}

TEST(Rtcp, LyingLengthsAndCountsAreRefused) {
    EXPECT_FALSE(parse_rtcp(Packet{0x80, 201, 0, 2, 0, 0, 0, 1})) << "longer than the datagram";
    EXPECT_FALSE(parse_rtcp(Packet{0x80, 201, 0xff, 0xff, 0, 0, 0, 1}));
    EXPECT_FALSE(parse_rtcp(rtcp(0x81, 201, {0, 0, 0, 1}))) << "a block that is not there";
    EXPECT_FALSE(parse_rtcp(rtcp(0x9f, 200, Packet(24 + 30 * 24)))) << "31 blocks in room for 30";
    EXPECT_FALSE(parse_rtcp(rtcp(0x80, 200, Packet(20)))) << "half a sender report";
    EXPECT_FALSE(parse_rtcp(rtcp(0x9f, 203, Packet(30 * 4)))) << "31 goodbyes in room for 30";
    EXPECT_FALSE(parse_rtcp(rtcp(0x81, 205, Packet(4)))) << "feedback about nobody";
    EXPECT_FALSE(parse_rtcp(rtcp(0x40, 201, {0, 0, 0, 1}))) << "version 1";
    EXPECT_FALSE(parse_rtcp(Packet(kMaxDatagramBytes + 4)));
}

TEST(Rtcp, ThirtyOneGoodbyesAndBlocksAreRead) {
    EXPECT_EQ(parse_rtcp(rtcp(0x9f, 203, Packet(31 * 4)))->goodbyes.size(), 31U);
    EXPECT_EQ(parse_rtcp(rtcp(0x9f, 201, Packet(4 + 31 * 24)))->reports.size(), 31U);
}

TEST(Rtcp, PaddingBelongsToTheLastPacketAlone) {
    const Packet report = rtcp(0x80, 201, {0, 0, 0, 1});
    EXPECT_TRUE(parse_rtcp(join(report, rtcp(0xa1, 203, {0, 0, 0, 7, 0, 0, 0, 4}))));
    EXPECT_FALSE(parse_rtcp(join(rtcp(0xa1, 203, {0, 0, 0, 7, 0, 0, 0, 4}), report)));
    EXPECT_FALSE(parse_rtcp(rtcp(0xa1, 203, {0, 0, 0, 7, 0, 0, 0, 3}))) << "no whole word";
    EXPECT_FALSE(parse_rtcp(rtcp(0xa1, 203, {0, 0, 0, 7, 0, 0, 0, 12}))) << "more than there is";
    EXPECT_FALSE(parse_rtcp(rtcp(0xa1, 203, {0, 0, 0, 7, 0, 0, 0, 0})));
    EXPECT_FALSE(parse_rtcp(rtcp(0xa0, 203, {})));
}

TEST(Rtcp, NackFloodsAreBounded) {
    Packet empty_ones;
    while (empty_ones.size() + 12 <= kMaxDatagramBytes) {
        empty_ones = join(std::move(empty_ones), rtcp(0x81, 205, Packet(8)));
    }
    ASSERT_TRUE(parse_rtcp(empty_ones));
    EXPECT_TRUE(parse_rtcp(empty_ones)->nacks.empty());

    const auto everything = parse_rtcp(rtcp(0x81, 205, Packet(1000, 0xff)));
    ASSERT_TRUE(everything);
    EXPECT_EQ(everything->nacks.size(), RtcpPacket::kMaxNacks);
}

TEST(Rtcp, UnknownAndReducedSizePacketsArePassedOver) {
    const Packet nack = rtcp(0x81, 205, {0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 0});
    const auto parsed = parse_rtcp(join(rtcp(0x8f, 206, Packet(16)), nack));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->nacks, std::vector<std::uint16_t>{5});
    const auto other =
        parse_rtcp(join(nack, rtcp(0x81, 205, {0, 0, 0, 1, 0, 0, 0, 3, 0, 6, 0, 0})));
    EXPECT_EQ(other->nacks, std::vector<std::uint16_t>{5}) << "asked of another source";
    EXPECT_TRUE(parse_rtcp(rtcp(0x8f, 205, Packet(16)))->nacks.empty()) << "transport-cc is none";
}

RtpPacket packet(std::uint16_t sequence, std::uint32_t timestamp = 0, std::uint32_t ssrc = 5) {
    RtpPacket made;
    made.sequence = sequence;
    made.timestamp = timestamp;
    made.ssrc = ssrc;
    return made;
}

TEST(RtpReceiveStats, CountsLossAcrossTheWrap) {
    RtpReceiveStats stats;
    EXPECT_FALSE(stats.report(kStart));
    EXPECT_EQ(stats.lost(), 0);
    for (const int sequence : {65'533, 65'534, 0, 1, 2, 5}) {  // 65535, 3 and 4 are missing
        stats.on_packet(kStart, packet(static_cast<std::uint16_t>(sequence)));
    }
    EXPECT_EQ(stats.received(), 6U);
    EXPECT_EQ(stats.lost(), 3);
    auto report = stats.report(kStart);
    EXPECT_EQ(report->fraction_lost, 3 * 256 / 9);
    EXPECT_EQ(report->cumulative_lost, 3);
    EXPECT_EQ(report->highest_sequence, 0x10005U);
    EXPECT_EQ(report->ssrc, 5U);

    stats.on_packet(kStart, packet(3));  // late
    stats.on_packet(kStart, packet(6));
    EXPECT_EQ(stats.lost(), 2);
    report = stats.report(kStart);
    EXPECT_EQ(report->fraction_lost, 0) << "more came than was expected of this interval";
    EXPECT_EQ(stats.report(kStart)->fraction_lost, 0) << "an empty interval";
}

TEST(RtpReceiveStats, APacketBeforeTheFirstMovesTheBeginning) {
    RtpReceiveStats stats;
    stats.on_packet(kStart, packet(0));
    stats.on_packet(kStart, packet(65'534));
    EXPECT_EQ(stats.lost(), 1);
}

TEST(RtpReceiveStats, JitterIsThatOfRfc3550) {
    RtpReceiveStats stats;
    Time now = kStart;
    std::uint32_t timestamp = 0xffff'fff0;  // wraps at once
    for (std::uint16_t i = 0; i < 500; ++i, now += 20ms, timestamp += 960) {
        stats.on_packet(now, packet(i, timestamp));
    }
    EXPECT_NEAR(stats.jitter_ms(), 0, 1e-6);
    // Every other packet 8 ms late: |D| is 8 ms every time, which the filter approaches.
    for (std::uint16_t i = 500; i < 1000; ++i, now += 20ms, timestamp += 960) {
        stats.on_packet(now + (i % 2 == 0 ? 0ms : 8ms), packet(i, timestamp));
    }
    EXPECT_NEAR(stats.jitter_ms(), 8, 0.01);
    EXPECT_NEAR(stats.report(now)->jitter, 8 * 48, 1);
    const double before = stats.jitter_ms();
    stats.on_packet(now + 500ms, packet(10, 0));
    EXPECT_EQ(stats.jitter_ms(), before) << "a retransmission is no jitter";
}

TEST(RtpReceiveStats, AnswersSenderReports) {
    RtpReceiveStats stats;
    stats.on_packet(kStart, packet(1));
    EXPECT_EQ(stats.report(kStart)->last_sr, 0U);
    stats.on_sender_report(kStart, {6, 0x1111'2222'3333'4444, 0, 0, 0});
    EXPECT_EQ(stats.report(kStart)->last_sr, 0U) << "of somebody else";
    stats.on_sender_report(kStart, {5, 0x1111'2222'3333'4444, 0, 0, 0});
    EXPECT_EQ(stats.report(kStart + 1500ms)->last_sr, 0x2222'3333U);
    EXPECT_EQ(stats.report(kStart + 1500ms)->delay_since_last_sr, 65'536U * 3 / 2);
}

TEST(RtpReceiveStats, AnotherSourceStartsAnew) {
    RtpReceiveStats stats;
    stats.on_packet(kStart, packet(1));
    stats.on_packet(kStart, packet(100));
    stats.on_packet(kStart, packet(50'000, 0, 6));
    EXPECT_EQ(stats.lost(), 0);
    EXPECT_EQ(stats.report(kStart)->ssrc, 6U);
}

TEST(Ntp, CountsFrom1900) {
    using std::chrono::system_clock;
    const system_clock::time_point epoch{};
    EXPECT_EQ(ntp_time(epoch) >> 32, 2'208'988'800U);
    EXPECT_EQ(ntp_time(epoch + 1500ms),
              (std::uint64_t{2'208'988'801} << 32) + (std::uint64_t{1} << 31));
}

TEST(RoundTrip, IsWhatTheReportLeavesOver) {
    const std::uint64_t sent = ntp_time(std::chrono::system_clock::time_point{} + 100s);
    ReportBlock block;
    EXPECT_FALSE(round_trip(block, sent));
    block.last_sr = static_cast<std::uint32_t>(sent >> 16);
    block.delay_since_last_sr = 2 * 65'536;
    const auto now = sent + (std::uint64_t{2} << 32) + (std::uint64_t{1} << 31);
    EXPECT_EQ(round_trip(block, now), Duration(500ms));
    EXPECT_EQ(round_trip(block, sent), Duration(0)) << "a peer that claims to have waited too long";
}

}  // namespace
}  // namespace hushcast::rtc
