// A broadcast with real worker threads in real time: what ThreadSanitizer looks at.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sim/broadcast_rig.hpp"

namespace hushcast::sim {
namespace {

using namespace std::chrono_literals;

/// The switchboard with threads of its own, on a fake network whose time is made to follow the
/// clock.
class ThreadedServer final : public Node, public broadcast::DatagramSink {
public:
    explicit ThreadedServer(FakeNetwork& network) : network_(network) {
        broadcast::SwitchboardConfig config;
        config.candidates = {server_endpoint()};
        config.workers = 2;
        config.make_denoiser = [] { return std::make_unique<broadcast::DelayDenoiser>(); };
        board = std::make_unique<broadcast::Switchboard>(std::move(config), *this, recorder);
        network_.attach(server_endpoint(), *this);
    }
    ~ThreadedServer() override {
        board.reset();
        network_.detach(*this);
    }

    /// Lets everybody act until `done`; false when that took longer than `limit`.
    template <typename Done>
    bool run_until(const Done& done, Duration limit) {
        const Time end = Clock::now() + limit;
        while (!done()) {
            if (Clock::now() >= end) return false;
            std::vector<broadcast::MemorySink::Sent> sent;
            {
                std::unique_lock lock(mutex_);
                something_sent_.wait_for(lock, 2ms, [&] { return !sent_.empty(); });
                sent.swap(sent_);
            }
            for (const auto& each : sent) {
                network_.send(server_endpoint(), each.path.remote, each.bytes);
            }
            network_.run_until(FakeNetwork::kStart + (Clock::now() - began_));
            if (board->next_timeout() <= Clock::now()) board->on_timeout(Clock::now());
        }
        return true;
    }

    void on_datagram(Time /*now*/, const Path& from, Bytes datagram) override {
        board->on_datagram(Clock::now(), from, datagram);
    }
    void on_timeout(Time /*now*/) override {}
    [[nodiscard]] Time next_timeout() const override { return kNever; }
    void send(std::span<const broadcast::OutgoingDatagram> batch) noexcept override {
        const std::lock_guard lock(mutex_);
        for (const auto& each : batch) {
            sent_.push_back({each.path, {each.bytes.begin(), each.bytes.end()}});
        }
        something_sent_.notify_one();
    }

    broadcast::MemoryRecorder recorder;
    std::unique_ptr<broadcast::Switchboard> board;

private:
    FakeNetwork& network_;
    Time began_ = Clock::now();
    std::mutex mutex_;
    std::condition_variable something_sent_;
    std::vector<broadcast::MemorySink::Sent> sent_;
};

TEST(Threads, ABroadcastFromStartToStop) {
    FakeNetwork network(1, {.delay = 0ms});
    ThreadedServer server(network);
    Microphone microphone(network, 1);
    Listener listener(network, 2);
    Listener leaving(network, 3);

    const auto started = server.board->start(Clock::now(), "alice", true, false);
    ASSERT_TRUE(started.ok());
    const auto published =
        server.board->publish(Clock::now(), started->session_id, microphone.peer.offer());
    ASSERT_TRUE(published.ok());
    ASSERT_TRUE(microphone.peer.accept(published->sdp));
    for (Listener* each : {&listener, &leaving}) {
        const auto answer = server.board->listen(Clock::now(), "alice", each->peer.offer());
        ASSERT_TRUE(answer.ok());
        ASSERT_TRUE(each->peer.accept(answer->sdp));
    }
    ASSERT_TRUE(server.run_until(
        [&] { return listener.pieces.size() >= 10 && leaving.pieces.size() >= 10; }, 20s));

    leaving.peer.close();
    ASSERT_TRUE(server.board->set_denoise(Clock::now(), started->session_id, false, 20).ok());
    ASSERT_TRUE(server.run_until(
        [&] {
            return listener.pieces.size() >= 30 && server.board->status("alice")->listeners == 1;
        },
        20s));

    const auto stopped = server.board->stop(Clock::now(), "alice");
    ASSERT_TRUE(stopped.ok());
    EXPECT_FALSE(stopped->recording_id.empty());
    EXPECT_GE(stopped->duration_s, 0.5);
    EXPECT_TRUE(server.run_until(
        [&] {
            return listener.goodbyes == 1 && listener.peer.state() == RtcPeer::State::Closed &&
                   microphone.peer.state() == RtcPeer::State::Closed;
        },
        20s));
}

TEST(Threads, ShutDownInTheMiddleClosesEverything) {
    FakeNetwork network(2, {.delay = 0ms});
    ThreadedServer server(network);
    Microphone microphone(network, 1);
    const auto started = server.board->start(Clock::now(), "alice", false, false);
    ASSERT_TRUE(started.ok());
    const auto published =
        server.board->publish(Clock::now(), started->session_id, microphone.peer.offer());
    ASSERT_TRUE(published.ok());
    ASSERT_TRUE(microphone.peer.accept(published->sdp));
    ASSERT_TRUE(server.run_until([&] { return microphone.packets.size() >= 10; }, 20s));
    server.board->shut_down(Clock::now());
    ASSERT_EQ(server.recorder.tracks.size(), 1U);
    EXPECT_TRUE(server.recorder.tracks[0]->closed);
    EXPECT_TRUE(
        server.run_until([&] { return microphone.peer.state() == RtcPeer::State::Closed; }, 20s));
}

}  // namespace
}  // namespace hushcast::sim
