// The thread of one media worker.
#pragma once

#include <atomic>
#include <thread>

#include "broadcast/media_loop.hpp"

namespace hushcast::broadcast {

/// Ticks a loop every 10 ms of the monotonic clock until it is destroyed, and once more then, so
/// that every command given before has been obeyed.
class WorkerThread {
public:
    explicit WorkerThread(MediaLoop& loop);
    ~WorkerThread();
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;

private:
    void run();

    MediaLoop& loop_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace hushcast::broadcast
