// The one thread that owns every socket (Asio inside, hidden from users of this header).
#pragma once

#include <functional>
#include <memory>

#include "base/time.hpp"

namespace hushcast::net {

class EventLoop {
public:
    EventLoop();
    ~EventLoop();

    /// Runs until stop(). Call from one thread.
    void run();
    /// Thread-safe.
    void stop();
    /// Runs `task` on the loop's thread. Thread-safe.
    void post(std::function<void()> task);
    /// Runs `task` once after `delay`, on the loop's thread. Loop thread only.
    void after(Duration delay, std::function<void()> task);
    /// Calls `handler` once on the loop's thread, at the first SIGINT or SIGTERM.
    void on_terminate(std::function<void()> handler);

    struct Impl;
    [[nodiscard]] Impl& impl() { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

/// One alarm that can be moved; it does not ring after its destruction. Loop thread only.
class Timer {
public:
    explicit Timer(EventLoop& loop);
    ~Timer();

    /// Runs `task` once at `due`, in place of whatever was arranged before.
    void at(Time due, std::function<void()> task);
    void cancel();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::net
