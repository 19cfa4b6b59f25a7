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
    /// Calls `handler` on the loop's thread at SIGINT and SIGTERM.
    void on_terminate(std::function<void()> handler);

    struct Impl;
    [[nodiscard]] Impl& impl() { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::net
