#include "base/spsc_queue.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace hushcast {
namespace {

TEST(SpscQueue, RefusesWhenFullAndKeepsOrder) {
    SpscQueue<int> queue(2);
    EXPECT_TRUE(queue.push(1));
    EXPECT_TRUE(queue.push(2));
    EXPECT_FALSE(queue.push(3));
    EXPECT_EQ(queue.pop(), 1);
    EXPECT_TRUE(queue.push(4));
    EXPECT_EQ(queue.pop(), 2);
    EXPECT_EQ(queue.pop(), 4) << "what was refused is not in the queue";
    EXPECT_FALSE(queue.pop());
}

TEST(SpscQueue, CarriesEverythingBetweenTwoThreads) {
    constexpr int kCount = 100'000;
    SpscQueue<int> queue(64);
    std::thread producer([&] {
        for (int i = 0; i < kCount; ++i) {
            while (!queue.push(int{i})) std::this_thread::yield();
        }
    });
    for (int expected = 0; expected < kCount;) {
        if (const auto value = queue.pop()) {
            ASSERT_EQ(*value, expected);
            ++expected;
        } else {
            std::this_thread::yield();
        }
    }
    producer.join();
    EXPECT_FALSE(queue.pop());
}

}  // namespace
}  // namespace hushcast
