// Whole broadcasts: a publisher, listeners and the server, in one process and in virtual time.
#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "rtc/rtcp.hpp"
#include "sim/broadcast_rig.hpp"

namespace hushcast::sim {
namespace {

using namespace std::chrono_literals;
using broadcast::BroadcastError;
using broadcast::StreamState;
using State = RtcPeer::State;

double correlation(std::span<const float> a, std::span<const float> b) {
    double ab = 0;
    double aa = 1e-12;
    double bb = 1e-12;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        ab += static_cast<double>(a[i]) * b[i];
        aa += static_cast<double>(a[i]) * a[i];
        bb += static_cast<double>(b[i]) * b[i];
    }
    return ab / std::sqrt(aa * bb);
}

/// What the publisher's packets hold, each of them decoded once and in order.
std::vector<float> decoded(const Microphone& microphone) {
    media::Decoder decoder;
    std::vector<float> all;
    std::vector<float> pcm(media::kMaxPacketSamples);
    for (const auto& packet : microphone.packets) {
        const std::size_t count = decoder.decode(packet, pcm);
        all.insert(all.end(), pcm.begin(), pcm.begin() + static_cast<std::ptrdiff_t>(count));
    }
    return all;
}

class BroadcastTest : public testing::Test {
protected:
    /// Alice streams and is live, or the test fails.
    void go_live(Microphone& microphone, bool denoise) {
        const auto started = server_.board().start(network_.now(), "alice", denoise, false);
        ASSERT_TRUE(started.ok());
        session_ = started->session_id;
        publish(microphone);
    }
    void publish(Microphone& microphone) {
        const auto answer =
            server_.board().publish(network_.now(), session_, microphone.peer.offer());
        ASSERT_TRUE(answer.ok());
        ASSERT_TRUE(microphone.peer.accept(answer->sdp));
        ASSERT_TRUE(network_.run_until([&] { return !microphone.packets.empty(); }, 5s));
    }
    Listener& listen(std::uint32_t number) {
        listeners_.push_back(std::make_unique<Listener>(network_, number));
        Listener& listener = *listeners_.back();
        const auto answer = server_.board().listen(network_.now(), "alice", listener.peer.offer());
        EXPECT_TRUE(answer.ok());
        EXPECT_TRUE(answer.ok() && listener.peer.accept(answer->sdp));
        return listener;
    }
    std::optional<broadcast::StreamStatus> status() { return server_.board().status("alice"); }
    [[nodiscard]] const std::vector<float>& recorded() {
        return server_.recorder().tracks.back()->samples;
    }

    FakeNetwork network_{1, {.delay = 0ms}};
    ServerNode server_{network_};
    std::string session_;
    std::vector<std::unique_ptr<Listener>> listeners_;
};

TEST_F(BroadcastTest, OffIsABitExactBypassIntoTheRecording) {
    Microphone microphone(network_, 1);
    go_live(microphone, false);
    network_.run_for(3s);
    const std::vector<float> expected = decoded(microphone);
    ASSERT_GE(recorded().size(), 48'000U * 2);
    ASSERT_LE(recorded().size(), expected.size());
    EXPECT_TRUE(std::equal(recorded().begin(), recorded().end(), expected.begin()));
}

TEST_F(BroadcastTest, WhatIsLostIsAskedForAgainAndTheSoundIsWhole) {
    network_.set_conditions({.delay = 5ms});
    Microphone microphone(network_, 1);
    microphone.loss = 0.1;
    microphone.resends = true;
    go_live(microphone, false);
    network_.run_for(5s);
    const std::vector<float> expected = decoded(microphone);
    ASSERT_GE(recorded().size(), 48'000U * 4);
    ASSERT_LE(recorded().size(), expected.size());
    EXPECT_TRUE(std::equal(recorded().begin(), recorded().end(), expected.begin()));
}

TEST_F(BroadcastTest, ListenersHearTheWholeTimeLine) {
    Microphone microphone(network_, 1);
    go_live(microphone, true);
    const Listener& first = listen(2);
    const Listener& second = listen(3);
    network_.run_for(5s);
    for (const Listener* listener : {&first, &second}) {
        ASSERT_GE(listener->pieces.size(), 230U);
        for (std::size_t i = 1; i < listener->pieces.size(); ++i) {
            const auto& before = listener->pieces[i - 1];
            ASSERT_EQ(listener->pieces[i].timestamp - before.timestamp, before.samples.size());
            ASSERT_EQ(static_cast<std::uint16_t>(listener->pieces[i].sequence - before.sequence),
                      1);
        }
    }
    EXPECT_EQ(status()->state, StreamState::Live);
    EXPECT_EQ(status()->listeners, 2U);
    EXPECT_NEAR(status()->input_level_db - status()->output_level_db, 6, 1);
    EXPECT_FALSE(status()->overloaded);
}

/// From RTP in to RTP out: sample by sample, the time at which its packet left less the time at
/// which its packet came. The network here takes none.
TEST_F(BroadcastTest, DelayIsTheModelsAndLittleMore) {
    for (const bool denoise : {true, false}) {
        Microphone microphone(network_, denoise ? 1 : 2);
        go_live(microphone, denoise);
        const Listener& listener = listen(denoise ? 3 : 4);
        network_.run_for(4s);
        // One second that was heard, laid over what was spoken at each possible delay.
        const auto& start = listener.pieces[50];
        std::vector<float> heard;
        for (std::size_t i = 50; i < 100; ++i) {
            const auto& samples = listener.pieces[i].samples;
            heard.insert(heard.end(), samples.begin(), samples.end());
        }
        const double since_began =
            std::chrono::duration<double>(start.arrival - microphone.began).count();
        const auto place = static_cast<std::ptrdiff_t>(std::lround(since_began * 48'000));
        double best = 0;
        double delay_ms = 0;
        for (std::ptrdiff_t lag = 0; lag < 48 * 100; lag += 6) {
            const auto spoken = std::span(microphone.spoken)
                                    .subspan(static_cast<std::size_t>(place - lag), heard.size());
            if (const double match = correlation(heard, spoken); match > best) {
                best = match;
                delay_ms = static_cast<double>(lag) / 48;
            }
        }
        // Both codecs' look-ahead is inside; the publisher's 6.5 ms were before RTP in.
        RecordProperty(denoise ? "delay_ms_denoised" : "delay_ms_bypass", std::to_string(delay_ms));
        EXPECT_GT(best, 0.9);
        EXPECT_LE(delay_ms - 6.5, denoise ? 50 : 20);
        EXPECT_GE(delay_ms - 6.5, denoise ? 30 : 0);
        ASSERT_TRUE(server_.board().stop(network_.now(), "alice").ok());
        network_.run_for(100ms);
    }
}

TEST_F(BroadcastTest, LossAndJitterAreBorneAndReported) {
    network_.set_conditions({.delay = 10ms, .jitter = 20ms});
    Microphone microphone(network_, 1);
    go_live(microphone, false);
    Listener& listener = listen(2);
    microphone.loss = 0.3;
    listener.loss = 0.1;
    network_.run_for(10s);
    EXPECT_NEAR(status()->loss_percent, 30, 12);
    EXPECT_GT(status()->jitter_ms, 1);
    EXPECT_GT(status()->playout_delay_ms, 1);
    EXPECT_EQ(status()->state, StreamState::Live);
    // Every sample of the time line is there, but for what still waits in the jitter buffer.
    EXPECT_NEAR(static_cast<double>(recorded().size()), 480'000.0, 48'000 * 0.6);
    EXPECT_NEAR(static_cast<double>(listener.pieces.size()), 450, 40);
}

TEST_F(BroadcastTest, StopReachesEveryListenerAtOnceAndSaves) {
    Microphone microphone(network_, 1);
    go_live(microphone, true);
    const Listener& first = listen(2);
    const Listener& second = listen(3);
    network_.run_for(3s);
    const auto stopped = server_.board().stop(network_.now(), "alice");
    ASSERT_TRUE(stopped.ok());
    EXPECT_EQ(stopped->recording_id, "recording-1");
    EXPECT_NEAR(stopped->duration_s, 3, 0.3);
    EXPECT_TRUE(server_.recorder().tracks[0]->closed);
    EXPECT_FALSE(status());
    network_.run_for(50ms);
    for (const Listener* listener : {&first, &second}) {
        EXPECT_EQ(listener->goodbyes, 1U);
        EXPECT_EQ(listener->peer.state(), State::Closed);
    }
    EXPECT_EQ(microphone.peer.state(), State::Closed);
}

TEST_F(BroadcastTest, AVanishedPublisherIsUnstableThenEndsAndIsSaved) {
    Microphone microphone(network_, 1);
    go_live(microphone, true);
    const Listener& listener = listen(2);
    network_.run_for(2s);
    microphone.peer.freeze();
    network_.run_for(4s);
    EXPECT_EQ(status()->state, StreamState::Live);
    network_.run_for(2s);
    EXPECT_EQ(status()->state, StreamState::Unstable);
    network_.run_for(13s);
    EXPECT_TRUE(status());
    network_.run_for(2s);
    EXPECT_FALSE(status());
    EXPECT_TRUE(server_.recorder().tracks[0]->closed);
    EXPECT_EQ(listener.peer.state(), State::Closed);
}

TEST_F(BroadcastTest, AClosedTabEndsTheStreamAtOnce) {
    Microphone microphone(network_, 1);
    go_live(microphone, true);
    const Listener& listener = listen(2);
    network_.run_for(1s);
    microphone.peer.close();
    network_.run_for(100ms);
    EXPECT_FALSE(status());
    EXPECT_TRUE(server_.recorder().tracks[0]->closed);
    EXPECT_EQ(listener.peer.state(), State::Closed);
}

TEST_F(BroadcastTest, AReloadReplacesThePublisherWithoutEndingAnything) {
    Microphone before(network_, 1);
    go_live(before, false);
    const Listener& listener = listen(2);
    network_.run_for(2s);
    before.peer.freeze();
    network_.run_for(3s);
    Microphone after(network_, 3);
    publish(after);
    const std::size_t heard = listener.pieces.size();
    network_.run_for(3s);
    EXPECT_EQ(status()->state, StreamState::Live);
    EXPECT_GE(listener.pieces.size(), heard + 140);
    EXPECT_EQ(server_.recorder().tracks.size(), 1U);
    network_.run_for(20s);
    EXPECT_EQ(status()->state, StreamState::Live) << "the old leg's time-outs touch nothing";
}

TEST_F(BroadcastTest, AChangeOfNetworkIsFollowed) {
    Microphone microphone(network_, 1);
    go_live(microphone, false);
    Listener& listener = listen(2);
    network_.run_for(1s);
    listener.peer.migrate(peer_endpoint(500));
    microphone.peer.migrate(peer_endpoint(501));
    network_.run_for(1s);
    const std::size_t heard = listener.pieces.size();
    network_.run_for(1s);
    EXPECT_GE(listener.pieces.size(), heard + 48);
    EXPECT_EQ(status()->state, StreamState::Live);
}

TEST_F(BroadcastTest, TakeoverStopsAndSavesTheOldStream) {
    Microphone old_one(network_, 1);
    go_live(old_one, true);
    const Listener& listener = listen(2);
    network_.run_for(1s);
    const auto refused = server_.board().start(network_.now(), "alice", true, false);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().error, BroadcastError::AlreadyStreaming);
    const auto taken = server_.board().start(network_.now(), "alice", true, true);
    ASSERT_TRUE(taken.ok());
    EXPECT_TRUE(server_.recorder().tracks[0]->closed);
    session_ = taken->session_id;
    Microphone new_one(network_, 3);
    publish(new_one);
    network_.run_for(1s);
    EXPECT_EQ(listener.peer.state(), State::Closed);
    EXPECT_EQ(old_one.peer.state(), State::Closed);
    EXPECT_EQ(status()->session_id, session_);
    EXPECT_EQ(status()->state, StreamState::Live);
    EXPECT_EQ(server_.recorder().tracks.size(), 2U);
}

TEST_F(BroadcastTest, DeadListenersAreDroppedAndTheOthersHearOn) {
    Microphone microphone(network_, 1);
    go_live(microphone, true);
    Listener& frozen = listen(2);
    Listener& closed = listen(3);
    Listener& leaving = listen(4);
    const Listener& staying = listen(5);
    network_.run_for(1s);
    EXPECT_EQ(status()->listeners, 4U);
    closed.peer.close();
    std::array<std::uint8_t, 128> goodbye{};
    const std::size_t size = rtc::write_goodbye(goodbye, leaving.peer.ssrc(), "peer");
    leaving.peer.send_rtcp(Bytes(goodbye).first(size));
    network_.run_for(200ms);
    EXPECT_EQ(status()->listeners, 2U);
    frozen.peer.freeze();
    network_.run_for(17s);
    EXPECT_EQ(status()->listeners, 1U);
    const std::size_t heard = staying.pieces.size();
    network_.run_for(1s);
    EXPECT_GE(staying.pieces.size(), heard + 49);
}

TEST_F(BroadcastTest, SwitchingTheDenoiserLiveLeavesNoGap) {
    Microphone microphone(network_, 1);
    go_live(microphone, false);
    const Listener& listener = listen(2);
    for (int i = 0; i < 6; ++i) {
        network_.run_for(700ms);
        ASSERT_TRUE(server_.board().set_denoise(network_.now(), session_, i % 2 == 0, 100).ok());
    }
    network_.run_for(1s);
    ASSERT_GE(listener.pieces.size(), 240U);
    for (std::size_t i = 1; i < listener.pieces.size(); ++i) {
        const auto& before = listener.pieces[i - 1];
        ASSERT_EQ(listener.pieces[i].timestamp - before.timestamp, before.samples.size());
    }
    EXPECT_EQ(recorded().size() % 480, 0U);
}

TEST_F(BroadcastTest, TwoHundredListeners) {
    Microphone microphone(network_, 1);
    go_live(microphone, true);
    for (std::uint32_t i = 0; i < 200; ++i) listen(1'000 + i);
    network_.run_for(2s);
    EXPECT_EQ(status()->listeners, 200U);
    for (const auto& listener : listeners_) EXPECT_GE(listener->pieces.size(), 80U);
    ASSERT_TRUE(server_.board().stop(network_.now(), "alice").ok());
    network_.run_for(50ms);
    for (const auto& listener : listeners_) EXPECT_EQ(listener->peer.state(), State::Closed);
}

TEST_F(BroadcastTest, AThousandGarbageDatagramsChangeNothing) {
    Microphone microphone(network_, 1);
    go_live(microphone, false);
    const Listener& listener = listen(2);
    network_.run_for(1s);
    std::mt19937 random(11);
    std::vector<std::uint8_t> bytes(1'500);
    for (int i = 0; i < 1'000; ++i) {
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
        // First bytes of every kind of packet, from strangers and in the publisher's name.
        bytes[0] = static_cast<std::uint8_t>(i);
        const Endpoint from =
            i % 2 == 0 ? microphone.peer.address()
                       : peer_endpoint(static_cast<std::uint32_t>(9'000 + random() % 100));
        network_.send(from, server_endpoint(), Bytes(bytes).first(random() % bytes.size()));
        network_.run_for(1ms);
    }
    const std::size_t heard = listener.pieces.size();
    network_.run_for(1s);
    EXPECT_GE(listener.pieces.size(), heard + 49);
    EXPECT_EQ(status()->state, StreamState::Live);
}

TEST_F(BroadcastTest, HangingUpEndsAListenerOrTheWholeStream) {
    Microphone microphone(network_, 1);
    const auto started = server_.board().start(network_.now(), "alice", true, false);
    ASSERT_TRUE(started.ok());
    const auto answer =
        server_.board().publish(network_.now(), started->session_id, microphone.peer.offer());
    ASSERT_TRUE(answer.ok());
    ASSERT_TRUE(microphone.peer.accept(answer->sdp));
    Listener listener(network_, 2);
    const auto heard = server_.board().listen(network_.now(), "alice", listener.peer.offer());
    ASSERT_TRUE(heard.ok());
    ASSERT_TRUE(listener.peer.accept(heard->sdp));
    network_.run_for(1s);
    EXPECT_TRUE(server_.board().hang_up(network_.now(), heard->peer_id));
    network_.run_for(50ms);
    EXPECT_EQ(listener.peer.state(), State::Closed);
    EXPECT_TRUE(status());
    EXPECT_TRUE(server_.board().hang_up(network_.now(), answer->peer_id));
    EXPECT_FALSE(status());
    EXPECT_FALSE(server_.board().hang_up(network_.now(), answer->peer_id));
}

}  // namespace
}  // namespace hushcast::sim
