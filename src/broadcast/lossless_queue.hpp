// A queue between two threads whose producer neither waits nor loses anything.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/spsc_queue.hpp"

namespace hushcast::broadcast {

/// For what is rare and must arrive (commands, events), where SpscQueue alone is for what is
/// frequent and may be dropped (packets). What does not fit waits on the producer's side, in order,
/// until the producer's next push() or flush(); its length is bounded by the number of streams and
/// peers.
template <typename T>
class LosslessQueue {
public:
    explicit LosslessQueue(std::size_t capacity) : queue_(capacity) {}

    /// Producer only.
    void push(T&& value) {
        waiting_.push_back(std::move(value));
        flush();
    }

    /// Producer only; gives whether nothing waits any more.
    bool flush() {
        while (!waiting_.empty() && queue_.push(std::move(waiting_.front()))) waiting_.pop_front();
        return waiting_.empty();
    }

    /// Consumer only.
    std::optional<T> pop() { return queue_.pop(); }

private:
    SpscQueue<T> queue_;
    std::deque<T> waiting_;  // the producer's
};

}  // namespace hushcast::broadcast
