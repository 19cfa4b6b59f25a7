#include "broadcast/switchboard.hpp"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broadcast/test_doubles.hpp"

namespace hushcast::broadcast {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string offer(std::string_view direction) {
    std::string sdp =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n"
        "a=rtpmap:111 opus/48000/2\r\na=setup:actpass\r\n"
        "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=fingerprint:sha-256 ";
    for (int i = 0; i < 31; ++i) sdp += "AB:";
    return sdp + "AB\r\na=" + std::string(direction) + "\r\n";
}

/// The switchboard alone, without any network; tests/sim has whole broadcasts.
class SwitchboardTest : public testing::Test {
protected:
    static SwitchboardConfig config() {
        SwitchboardConfig config;
        config.candidates = {{IpAddress::v4(192, 0, 2, 1), 8000}};
        config.workers = 2;
        config.max_streams = 3;
        config.max_listeners = 5;
        config.max_listeners_per_stream = 3;
        config.own_threads = false;
        config.wall_clock = [](Time) {
            return std::chrono::system_clock::time_point(seconds(1'709'210'096));
        };
        return config;
    }

    /// Virtual time with ticks and timers.
    void run_for(Duration duration) {
        for (const Time end = now_ + duration; now_ < end; now_ += milliseconds(10)) {
            board_.tick_workers(now_);
            if (board_.next_timeout() <= now_) board_.on_timeout(now_);
        }
    }
    std::string start(std::string_view name) {
        const auto started = board_.start(now_, name, true, false);
        EXPECT_TRUE(started.ok());
        return started.ok() ? started->session_id : "";
    }

    MemorySink sink_;
    MemoryRecorder recorder_;
    Switchboard board_{config(), sink_, recorder_};
    Time now_{std::chrono::hours(1)};
};

TEST_F(SwitchboardTest, AStartedStreamHasAStatus) {
    const std::string session = start("alice");
    run_for(seconds(3));
    const auto status = board_.status("alice");
    ASSERT_TRUE(status);
    EXPECT_EQ(status->session_id, session);
    EXPECT_EQ(status->started_at, "2024-02-29T12:34:56Z");
    EXPECT_EQ(status->state, StreamState::Starting);
    EXPECT_NEAR(status->elapsed_s, 3, 0.1);
    EXPECT_TRUE(status->denoise);
    EXPECT_FALSE(board_.status("bob"));
    ASSERT_EQ(board_.live().size(), 1U);
}

TEST_F(SwitchboardTest, OneStreamANameUnlessTakenOver) {
    const std::string first = start("alice");
    const auto second = board_.start(now_, "alice", true, false);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().error, BroadcastError::AlreadyStreaming);
    const auto third = board_.start(now_, "alice", false, true);
    ASSERT_TRUE(third.ok());
    EXPECT_NE(third->session_id, first);
    EXPECT_FALSE(board_.status("alice")->denoise);
    const auto late = board_.publish(now_, first, offer("sendonly"));
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().error, BroadcastError::NoSuchStream);
}

TEST_F(SwitchboardTest, StopTellsWhatWasThereAndOnlyOnce) {
    start("alice");
    run_for(seconds(2));
    const auto stopped = board_.stop(now_, "alice");
    ASSERT_TRUE(stopped.ok());
    EXPECT_EQ(stopped->recording_id, "") << "no sound ever came";
    EXPECT_NEAR(stopped->duration_s, 2, 0.1);
    const auto again = board_.stop(now_, "alice");
    ASSERT_FALSE(again.ok());
    EXPECT_EQ(again.error().error, BroadcastError::NotStreaming);
    run_for(seconds(1));
    EXPECT_EQ(board_.next_timeout(), kNever) << "nothing is left to do";
}

TEST_F(SwitchboardTest, AStreamThatNobodyFeedsEnds) {
    start("alice");
    run_for(seconds(29));
    EXPECT_TRUE(board_.status("alice"));
    run_for(seconds(2));
    EXPECT_FALSE(board_.status("alice"));
}

TEST_F(SwitchboardTest, LimitsAreKeptAndGivenBack) {
    start("alice");
    start("bob");
    start("carol");
    const auto fourth = board_.start(now_, "dave", true, false);
    ASSERT_FALSE(fourth.ok());
    EXPECT_EQ(fourth.error().error, BroadcastError::Full);

    std::string peer;
    for (int i = 0; i < 3; ++i) {
        const auto answer = board_.listen(now_, "alice", offer("recvonly"));
        ASSERT_TRUE(answer.ok());
        peer = answer->peer_id;
    }
    EXPECT_FALSE(board_.listen(now_, "alice", offer("recvonly")).ok()) << "per stream";
    EXPECT_TRUE(board_.listen(now_, "bob", offer("recvonly")).ok());
    EXPECT_TRUE(board_.listen(now_, "bob", offer("recvonly")).ok());
    const auto sixth = board_.listen(now_, "bob", offer("recvonly"));
    ASSERT_FALSE(sixth.ok()) << "in all";
    EXPECT_EQ(sixth.error().error, BroadcastError::Full);
    EXPECT_TRUE(board_.hang_up(now_, peer));
    EXPECT_FALSE(board_.hang_up(now_, peer));
    EXPECT_TRUE(board_.listen(now_, "bob", offer("recvonly")).ok());
}

TEST_F(SwitchboardTest, AnswersAreDistinctAndNameTheServer) {
    const std::string session = start("alice");
    const auto publisher = board_.publish(now_, session, offer("sendonly"));
    const auto listener = board_.listen(now_, "alice", offer("recvonly"));
    ASSERT_TRUE(publisher.ok());
    ASSERT_TRUE(listener.ok());
    EXPECT_EQ(listener->session_id, session);
    EXPECT_NE(publisher->peer_id, listener->peer_id);
    EXPECT_THAT(publisher->sdp, testing::HasSubstr("192.0.2.1 8000"));
    EXPECT_THAT(publisher->sdp, testing::HasSubstr("a=recvonly"));
    EXPECT_THAT(listener->sdp, testing::HasSubstr("a=sendonly"));
}

TEST_F(SwitchboardTest, BadOffersAreRefusedWithASentence) {
    const std::string session = start("alice");
    for (const std::string& bad : {std::string(), std::string("garbage"), offer("recvonly"),
                                   std::string(100'000, 'a'), offer("inactive")}) {
        const auto answer = board_.publish(now_, session, bad);
        ASSERT_FALSE(answer.ok());
        EXPECT_EQ(answer.error().error, BroadcastError::BadOffer);
        EXPECT_FALSE(answer.error().detail.empty());
    }
    EXPECT_FALSE(board_.listen(now_, "alice", offer("sendonly")).ok());
    EXPECT_EQ(board_.listen(now_, "bob", offer("recvonly")).error().error,
              BroadcastError::NotStreaming);
}

TEST_F(SwitchboardTest, SettingsBelongToASession) {
    const std::string session = start("alice");
    EXPECT_TRUE(board_.set_denoise(now_, session, false, 12).ok());
    EXPECT_FALSE(board_.status("alice")->denoise);
    EXPECT_TRUE(board_.set_denoise(now_, session, true, std::nanf("")).ok());
    EXPECT_FALSE(board_.set_denoise(now_, "another", true, 100).ok());
    run_for(milliseconds(100));
    EXPECT_TRUE(board_.status("alice")->denoise);
}

TEST_F(SwitchboardTest, GarbageOfEveryKindChangesNothing) {
    const std::string session = start("alice");
    ASSERT_TRUE(board_.publish(now_, session, offer("sendonly")).ok());
    std::mt19937 random(3);
    std::vector<std::uint8_t> bytes(2'000);
    for (int i = 0; i < 5'000; ++i) {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
        const Endpoint from{IpAddress::v4(203, 0, 113, 1), static_cast<std::uint16_t>(random())};
        board_.on_datagram(now_, {from, {}}, Bytes(bytes).first(random() % bytes.size()));
    }
    EXPECT_TRUE(sink_.take().empty()) << "nothing is answered";
    EXPECT_EQ(board_.status("alice")->state, StreamState::Starting);
}

TEST_F(SwitchboardTest, AfterShutDownNothingStarts) {
    start("alice");
    start("bob");
    board_.shut_down(now_);
    EXPECT_TRUE(board_.live().empty());
    EXPECT_EQ(board_.next_timeout(), kNever);
    EXPECT_FALSE(board_.start(now_, "carol", true, false).ok());
}

}  // namespace
}  // namespace hushcast::broadcast
