#include "broadcast/worker_thread.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "base/time.hpp"

namespace hushcast::broadcast {
namespace {

/// A tick that starts later than this gives up catching up: what is due is taken by the next one
/// anyway, and ticks in quick succession only cost.
constexpr std::chrono::milliseconds kLatest{50};

/// Absolute time, so that the work between two ticks adds no drift.
void sleep_until(Time time) {
    const auto since_boot =
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_boot);
    const timespec until{seconds.count(), (since_boot - seconds).count()};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
        // Interrupted by a signal.
    }
}

}  // namespace

WorkerThread::WorkerThread(MediaLoop& loop) : loop_(loop), thread_([this] { run(); }) {}

WorkerThread::~WorkerThread() {
    stop_.store(true);
    thread_.join();
}

void WorkerThread::run() {
    for (Time due = Clock::now();; due += MediaLoop::kTick) {
        sleep_until(due);
        const Time now = Clock::now();
        loop_.tick(now, now - due);
        if (stop_.load()) break;
        if (now - due > kLatest) due = now;
    }
    loop_.tick(Clock::now(), Duration::zero());
}

}  // namespace hushcast::broadcast
