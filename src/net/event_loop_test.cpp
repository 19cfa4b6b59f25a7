#include "net/event_loop.hpp"

#include <csignal>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace hushcast::net {
namespace {

using namespace std::chrono_literals;

TEST(EventLoop, RunsPostedTasksInOrderAndTimersByTime) {
    EventLoop loop;
    std::string order;
    loop.after(3ms, [&] {
        order += 'd';
        loop.stop();
    });
    loop.after(1ms, [&] { order += 'c'; });
    std::thread other([&] {
        loop.post([&] { order += 'a'; });
        loop.post([&] { order += 'b'; });
    });
    other.join();
    loop.run();
    EXPECT_EQ(order, "abcd");
}

TEST(EventLoop, HandsOverTermination) {
    EventLoop loop;
    bool told = false;
    loop.on_terminate([&] {
        told = true;
        loop.stop();
    });
    loop.post([] { std::raise(SIGTERM); });
    loop.run();
    EXPECT_TRUE(told);
}

TEST(Timer, RingsOnceAndForItsLastArrangementAlone) {
    EventLoop loop;
    Timer timer(loop);
    std::string order;
    timer.at(Clock::now(), [&] { order += 'x'; });
    timer.at(Clock::now() + 1ms, [&] { order += 'a'; });
    std::optional<Timer> gone(loop);
    gone->at(Clock::now(), [&] { order += 'y'; });
    loop.post([&] { gone.reset(); });
    loop.after(5ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(order, "a");
}

}  // namespace
}  // namespace hushcast::net
