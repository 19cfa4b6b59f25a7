// A bounded queue between exactly two threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace hushcast {

/// One producer thread, one consumer thread, fixed capacity, no locks, no allocation after
/// construction beyond what T itself does. When it is full push() refuses and the caller drops and
/// counts: nothing here ever waits.
template <typename T>
class SpscQueue {
public:
    /// @param capacity  the largest number of waiting elements, at least 1.
    explicit SpscQueue(std::size_t capacity) : slots_(capacity + 1) {}

    /// Producer only. Leaves `value` untouched and answers false when the queue is full.
    bool push(T&& value) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        const std::size_t next = following(tail);
        if (next == head_.load(std::memory_order_acquire)) return false;
        slots_[tail] = std::move(value);
        tail_.store(next, std::memory_order_release);
        return true;
    }

    /// Consumer only.
    std::optional<T> pop() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return std::nullopt;
        std::optional<T> value(std::move(slots_[head]));
        head_.store(following(head), std::memory_order_release);
        return value;
    }

private:
    [[nodiscard]] std::size_t following(std::size_t index) const {
        return index + 1 == slots_.size() ? 0 : index + 1;
    }

    // On cache lines of their own, so that the two threads do not fight over one.
    alignas(64) std::atomic<std::size_t> head_{0};
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::vector<T> slots_;
};

}  // namespace hushcast
