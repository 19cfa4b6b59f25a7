#include "broadcast/media_loop.hpp"

#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "broadcast/test_doubles.hpp"
#include "media/opus_codec.hpp"
#include "rtc/rtcp.hpp"
#include "rtc/rtp.hpp"
#include "rtc/srtp.hpp"

namespace hushcast::broadcast {
namespace {

using std::chrono::milliseconds;

constexpr std::uint8_t kPayloadType = 111;
constexpr std::uint32_t kPublisherSsrc = 0xabcdef;
constexpr std::size_t kPacketSamples = 960;

Path path(std::uint16_t port) { return {{IpAddress::v4(198, 51, 100, 7), port}, {}}; }

rtc::SrtpMasterKey master_key(std::uint32_t seed) {
    std::minstd_rand random(seed);
    rtc::SrtpMasterKey key;
    for (auto& byte : key.key) byte = static_cast<std::uint8_t>(random());
    for (auto& byte : key.salt) byte = static_cast<std::uint8_t>(random());
    return key;
}

/// The other end of a leg: opens what the loop sends and protects what it shall receive.
struct FarEnd {
    explicit FarEnd(std::uint32_t number)
        : id(LegId{number}),
          address(path(static_cast<std::uint16_t>(number))),
          sender(kProfile, master_key(2 * number)),
          receiver(kProfile, master_key(2 * number + 1)) {}

    [[nodiscard]] LegMedia near_end() const {
        const auto number = static_cast<std::uint32_t>(id);
        return {.id = id,
                .path = address,
                .sender = rtc::SrtpSender(kProfile, master_key(2 * number + 1)),
                .receiver = rtc::SrtpReceiver(kProfile, master_key(2 * number)),
                .payload_type = kPayloadType};
    }
    Packet rtcp(Time now, MutableBytes buffer, std::size_t size) {
        return {id, now, true, Bytes(buffer).first(*sender.protect_rtcp(buffer, size))};
    }

    static constexpr rtc::SrtpProfile kProfile = rtc::SrtpProfile::AeadAes128Gcm;
    LegId id;
    Path address;
    rtc::SrtpSender sender;
    rtc::SrtpReceiver receiver;
};

struct Heard {
    std::uint16_t sequence;
    std::uint32_t timestamp;
    std::uint32_t ssrc;
    bool marker;
    std::vector<std::uint8_t> payload;
    std::vector<std::uint8_t> protected_bytes;
};

class MediaLoopTest : public testing::Test {
protected:
    MediaLoopTest() {
        add_stream(1, false);
        set_publisher(publisher_, 1);
    }

    void add_stream(std::uint32_t id, bool denoise) {
        shared_.push_back(std::make_unique<StreamShared>());
        const MediaStream::Settings settings{.id = StreamId{id}, .denoise = denoise, .ssrc = 99};
        loop_.command(AddStream{std::make_unique<MediaStream>(settings, *shared_.back(), wall_)});
    }
    void set_publisher(const FarEnd& far, std::uint32_t stream) {
        loop_.command(SetPublisher{StreamId{stream}, far.near_end(), false});
    }
    void add_listener(const FarEnd& far) {
        loop_.command(AddListener{StreamId{1}, far.near_end(), static_cast<std::uint32_t>(far.id)});
    }

    void send_packet(FarEnd& far,
                     std::uint32_t ssrc = kPublisherSsrc,
                     std::size_t samples = kPacketSamples) {
        std::vector<float> pcm(samples);
        for (std::size_t i = 0; i < pcm.size(); ++i) {
            pcm[i] = 0.3F * std::sin(0.05F * static_cast<float>(timestamp_ + i));
        }
        std::array<std::uint8_t, rtc::kMaxDatagramBytes> buffer{};
        const MutableBytes payload = MutableBytes(buffer).subspan(rtc::kRtpHeaderBytes, 1'275);
        const std::size_t size = encoder_.encode(pcm, payload);
        rtc::RtpPacket header;
        header.payload_type = kPayloadType;
        header.sequence = sequence_++;
        header.timestamp = timestamp_;
        header.ssrc = ssrc;
        timestamp_ += static_cast<std::uint32_t>(samples);
        rtc::write_rtp_header(std::span(buffer).first<rtc::kRtpHeaderBytes>(), header);
        const auto protected_size = far.sender.protect_rtp(buffer, rtc::kRtpHeaderBytes + size);
        loop_.packet(Packet(far.id, now_, false, Bytes(buffer).first(*protected_size)));
    }
    void tick(Duration late = {}) {
        loop_.tick(now_, late);
        now_ += milliseconds(10);
    }
    /// 20 ms packets, with a tick right after each and one 10 ms later.
    void play(std::size_t packets) {
        for (std::size_t i = 0; i < packets; ++i) {
            send_packet(publisher_);
            tick();
            tick();
        }
    }

    /// RTP that reached the far end; RTCP goes to rtcp_.
    std::vector<Heard> heard(FarEnd& far) {
        for (auto& sent : sink_.take()) mail_[sent.path.remote].push_back(sent.bytes);
        std::vector<Heard> all;
        for (auto& bytes : std::exchange(mail_[far.address.remote], {})) {
            const std::vector<std::uint8_t> protected_bytes = bytes;
            if (bytes[1] >= 192 && bytes[1] <= 223) {
                const auto size = far.receiver.unprotect_rtcp(bytes);
                EXPECT_TRUE(size.ok());
                if (size) rtcp_.push_back(*rtc::parse_rtcp(Bytes(bytes).first(*size)));
                continue;
            }
            const auto size = far.receiver.unprotect_rtp(bytes);
            if (!size) {
                replayed_.push_back(protected_bytes);
                continue;
            }
            const auto packet = rtc::parse_rtp(Bytes(bytes).first(*size));
            EXPECT_TRUE(packet);
            EXPECT_EQ(packet->payload_type, kPayloadType);
            all.push_back({packet->sequence,
                           packet->timestamp,
                           packet->ssrc,
                           packet->marker,
                           {packet->payload.begin(), packet->payload.end()},
                           protected_bytes});
        }
        return all;
    }

    WallClock wall_ = [](Time) { return std::chrono::system_clock::time_point{}; };
    MemorySink sink_;
    std::unique_ptr<DelayDenoiser> made_ = std::make_unique<DelayDenoiser>();
    DelayDenoiser* denoiser_ = made_.get();  // the loop's from here on
    MediaLoop loop_{std::move(made_), sink_};
    std::vector<std::unique_ptr<StreamShared>> shared_;
    FarEnd publisher_{1};
    media::Encoder encoder_{{}};
    Time now_{std::chrono::hours(1)};
    std::uint16_t sequence_ = 65'500;
    std::uint32_t timestamp_ = 4'294'960'000U;  // soon wraps
    std::map<Endpoint, std::vector<std::vector<std::uint8_t>>> mail_;
    std::vector<rtc::RtcpPacket> rtcp_;
    std::vector<std::vector<std::uint8_t>> replayed_;
};

TEST_F(MediaLoopTest, APacketInIsOnePacketOutInTheSameTickForEveryListener) {
    FarEnd first(10);
    FarEnd second(11);
    add_listener(first);
    add_listener(second);
    play(100);
    const std::vector<Heard> one = heard(first);
    const std::vector<Heard> other = heard(second);
    ASSERT_GE(one.size(), 98U);
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_EQ(one[i].payload, other[i].payload);
        EXPECT_EQ(one[i].marker, i == 0);
        EXPECT_EQ(one[i].ssrc, 10U);
        EXPECT_EQ(other[i].ssrc, 11U);
        if (i == 0) continue;
        EXPECT_EQ(static_cast<std::uint16_t>(one[i].sequence - one[i - 1].sequence), 1);
        EXPECT_EQ(one[i].timestamp - one[i - 1].timestamp, kPacketSamples);
    }
    EXPECT_EQ(shared_[0]->last_media.load(), (now_ - milliseconds(20)).time_since_epoch().count());
    EXPECT_NEAR(shared_[0]->input_level_db.load(), -13.5, 0.5);
}

TEST_F(MediaLoopTest, ShortPacketsLeaveAsWholeFramesHoweverTheyMeetTheTicks) {
    FarEnd listener(2);
    add_listener(listener);
    // What arrives at the edge of a tick is seen by this one or by the next.
    for (const std::size_t packets :
         {1U, 1U, 0U, 2U, 1U, 0U, 2U, 1U, 1U, 0U, 0U, 3U, 1U, 2U, 0U, 1U}) {
        for (std::size_t i = 0; i < packets; ++i) {
            send_packet(publisher_, kPublisherSsrc, kPacketSamples / 2);
        }
        tick();
    }
    const std::vector<Heard> all = heard(listener);
    ASSERT_EQ(all.size(), 8U);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(media::packet_samples(all[i].payload), kPacketSamples);
        EXPECT_EQ(all[i].timestamp - all[0].timestamp, i * kPacketSamples);
    }
}

TEST_F(MediaLoopTest, ListenersGetSenderReportsAndThePublisherReceiverReports) {
    FarEnd listener(10);
    add_listener(listener);
    play(600);
    heard(listener);
    std::size_t reports = 0;
    for (const auto& packet : rtcp_) {
        if (packet.sender && packet.sender->ssrc == 10U) ++reports;
    }
    EXPECT_GE(reports, 2U);
    EXPECT_LE(reports, 6U);
    rtcp_.clear();
    heard(publisher_);
    ASSERT_GE(rtcp_.size(), 11U);
    ASSERT_EQ(rtcp_.back().reports.size(), 1U);
    EXPECT_EQ(rtcp_.back().reports[0].ssrc, kPublisherSsrc);
    EXPECT_EQ(rtcp_.back().reports[0].fraction_lost, 0);
}

TEST_F(MediaLoopTest, WhatAListenerAsksForAgainIsTheSamePacket) {
    FarEnd listener(10);
    add_listener(listener);
    play(30);
    const std::vector<Heard> all = heard(listener);
    ASSERT_GE(all.size(), 28U);
    const std::array<std::uint16_t, 3> lost{all[5].sequence, all[20].sequence,
                                            static_cast<std::uint16_t>(all[0].sequence - 1)};
    std::array<std::uint8_t, 128> buffer{};
    const std::size_t size = rtc::write_nack(buffer, 5, 10, lost);
    loop_.packet(listener.rtcp(now_, buffer, size));
    tick();
    heard(listener);
    // Its own replay window has seen them: they come back as the identical bytes.
    ASSERT_EQ(replayed_.size(), 2U);
    EXPECT_EQ(replayed_[0], all[5].protected_bytes);
    EXPECT_EQ(replayed_[1], all[20].protected_bytes);
}

TEST_F(MediaLoopTest, AGoodbyeBecomesAnEvent) {
    FarEnd listener(10);
    add_listener(listener);
    play(2);
    std::array<std::uint8_t, 128> buffer{};
    std::size_t size = rtc::write_goodbye(buffer, 5, "listener");
    loop_.packet(listener.rtcp(now_, buffer, size));
    size = rtc::write_goodbye(buffer, kPublisherSsrc, "publisher");
    loop_.packet(publisher_.rtcp(now_, buffer, size));
    tick();
    for (const LegId leg : {listener.id, publisher_.id}) {
        const auto event = loop_.next_event();
        ASSERT_TRUE(event);
        EXPECT_EQ(event->kind, Event::Kind::LegSaidGoodbye);
        EXPECT_EQ(event->leg, leg);
    }
    EXPECT_FALSE(loop_.next_event());
}

TEST_F(MediaLoopTest, ARemovedStreamSaysGoodbyeAndComesBack) {
    FarEnd listener(10);
    add_listener(listener);
    play(3);
    heard(listener);
    heard(publisher_);
    rtcp_.clear();
    loop_.command(RemoveStream{StreamId{1}});
    send_packet(publisher_);
    tick();
    const auto event = loop_.next_event();
    ASSERT_TRUE(event);
    EXPECT_EQ(event->kind, Event::Kind::StreamClosed);
    EXPECT_EQ(event->stream, StreamId{1});
    ASSERT_NE(event->remains, nullptr);
    EXPECT_TRUE(heard(listener).empty());
    heard(publisher_);
    ASSERT_EQ(rtcp_.size(), 2U);
    EXPECT_EQ(rtcp_[0].goodbyes, std::vector<std::uint32_t>{10});
    EXPECT_EQ(rtcp_[1].goodbyes, std::vector<std::uint32_t>{99});
    EXPECT_FALSE(loop_.next_event());
}

TEST_F(MediaLoopTest, ARemovedListenerHearsNoMoreAndTheOthersGoOn) {
    FarEnd first(10);
    FarEnd second(11);
    FarEnd third(12);
    for (const FarEnd* each : {&first, &second, &third}) add_listener(*each);
    play(5);
    loop_.command(RemoveLeg{first.id});
    loop_.command(MoveLeg{third.id, path(1012)});
    tick();
    heard(first);
    heard(second);
    heard(third);
    third.address = path(1012);
    play(5);
    EXPECT_TRUE(heard(first).empty());
    EXPECT_EQ(heard(second).size(), 5U);
    EXPECT_EQ(heard(third).size(), 5U);
}

TEST_F(MediaLoopTest, StreamsShareABatchWithinItsLimit) {
    constexpr std::uint32_t kStreams = 6;
    std::vector<FarEnd> publishers;
    for (std::uint32_t i = 0; i < kStreams; ++i) {
        add_stream(100 + i, true);
        publishers.emplace_back(100 + i);
        set_publisher(publishers.back(), 100 + i);
    }
    for (int packet = 0; packet < 20; ++packet) {
        for (FarEnd& each : publishers) send_packet(each);
        tick();
        tick();
    }
    EXPECT_EQ(denoiser_->largest_batch(), denoiser_->max_batch());
    EXPECT_GE(denoiser_->hops(), kStreams * 38);
}

TEST_F(MediaLoopTest, UnderOverloadTheOriginalPassesAndIsMarked) {
    FarEnd publisher(50);
    add_stream(2, true);
    set_publisher(publisher, 2);
    for (int i = 0; i < 50; ++i) {
        send_packet(publisher);
        tick(milliseconds(40));
        tick(milliseconds(40));
    }
    EXPECT_TRUE(shared_[1]->overloaded.load());
    EXPECT_FALSE(shared_[0]->overloaded.load()) << "it never was denoised";
    EXPECT_LE(denoiser_->hops(), 5U);
    for (int i = 0; i < 150; ++i) {
        send_packet(publisher);
        tick();
        tick();
    }
    EXPECT_FALSE(shared_[1]->overloaded.load());
    EXPECT_GT(denoiser_->hops(), 60U);
}

TEST_F(MediaLoopTest, APauseOfThePublisherTakesItsTimeOnTheWayOutToo) {
    FarEnd listener(10);
    add_listener(listener);
    play(50);
    const std::uint32_t before = heard(listener).back().timestamp;
    for (int i = 0; i < 1'000; ++i) tick();
    timestamp_ += 480'000;
    play(50);
    const std::vector<Heard> after = heard(listener);
    ASSERT_FALSE(after.empty());
    EXPECT_NEAR(after.back().timestamp - before, 48'000 * 11, 4'800);
}

TEST_F(MediaLoopTest, AnotherSourceWaitsUntilThePresentOneIsSilent) {
    FarEnd listener(10);
    add_listener(listener);
    play(10);
    for (int i = 0; i < 10; ++i) send_packet(publisher_, 7);
    tick();
    heard(publisher_);
    rtcp_.clear();
    play(120);
    heard(publisher_);
    ASSERT_FALSE(rtcp_.empty());
    EXPECT_EQ(rtcp_.back().reports.at(0).ssrc, kPublisherSsrc);
    for (int i = 0; i < 60; ++i) tick();
    for (int i = 0; i < 60; ++i) {
        send_packet(publisher_, 7);
        tick();
        tick();
    }
    rtcp_.clear();
    heard(publisher_);
    ASSERT_FALSE(rtcp_.empty());
    EXPECT_EQ(rtcp_.back().reports.at(0).ssrc, 7U);
}

TEST_F(MediaLoopTest, AForgedOrFloodingPacketIsCountedAndHarmsNobody) {
    FarEnd listener(10);
    add_listener(listener);
    play(10);
    heard(listener);
    std::array<std::uint8_t, 300> garbage{};
    garbage[0] = 0x80;
    for (std::size_t i = 0; i < MediaLoop::kPacketQueue + 500; ++i) {
        loop_.packet(Packet(publisher_.id, now_, i % 2 == 0, garbage));
    }
    EXPECT_EQ(loop_.packets_dropped(), 500U);
    loop_.packet(Packet(LegId{777}, now_, false, {}));
    tick();
    play(10);
    EXPECT_GE(heard(listener).size(), 10U);
}

TEST_F(MediaLoopTest, WithoutListenersTheRecordingStillIsWritten) {
    const auto track = std::make_shared<MemoryRecorder::Track>();
    shared_[0]->recording.open(track);
    play(50);
    EXPECT_GE(track->samples.size(), 48U * kPacketSamples);
    EXPECT_EQ(track->samples.size() % MediaStream::kHop, 0U);
}

}  // namespace
}  // namespace hushcast::broadcast
