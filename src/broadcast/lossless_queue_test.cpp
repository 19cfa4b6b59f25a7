#include "broadcast/lossless_queue.hpp"

#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace hushcast::broadcast {
namespace {

TEST(LosslessQueue, KeepsOrderBeyondItsCapacity) {
    LosslessQueue<std::unique_ptr<int>> queue(2);
    for (int i = 0; i < 10; ++i) queue.push(std::make_unique<int>(i));
    EXPECT_FALSE(queue.flush());
    for (int i = 0; i < 10; ++i) {
        const auto value = queue.pop();
        ASSERT_TRUE(value);
        EXPECT_EQ(**value, i);
        queue.flush();
    }
    EXPECT_FALSE(queue.pop());
    EXPECT_TRUE(queue.flush());
}

TEST(LosslessQueue, BetweenTwoThreadsNothingIsLost) {
    constexpr int kCount = 20'000;
    LosslessQueue<int> queue(16);
    std::thread producer([&] {
        for (int i = 0; i < kCount; ++i) queue.push(int{i});
        while (!queue.flush()) std::this_thread::yield();
    });
    for (int expected = 0; expected < kCount;) {
        if (const auto value = queue.pop()) {
            ASSERT_EQ(*value, expected++);
        } else {
            std::this_thread::yield();
        }
    }
    producer.join();
}

}  // namespace
}  // namespace hushcast::broadcast
