#include "broadcast/overload.hpp"

#include <gtest/gtest.h>

namespace hushcast::broadcast {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OverloadTest : public testing::Test {
protected:
    bool tick(Duration late) {
        now_ += milliseconds(10);
        return guard_.on_tick(now_, late);
    }
    void become_overloaded() {
        for (int i = 0; i < OverloadGuard::kLateTicks; ++i) tick(milliseconds(40));
    }
    /// Ticks in time until it is over.
    Duration time_to_recover() {
        const Time start = now_;
        while (tick(milliseconds(0))) {
            if (now_ - start > seconds(600)) return Duration::max();
        }
        return now_ - start;
    }

    OverloadGuard guard_;
    Time now_{std::chrono::hours(1)};
};

TEST_F(OverloadTest, OneLateTickIsForgiven) {
    EXPECT_FALSE(tick(seconds(1)));
    EXPECT_FALSE(tick(milliseconds(0)));
    EXPECT_FALSE(tick(seconds(1)));
    EXPECT_FALSE(tick(seconds(1)));
    EXPECT_FALSE(tick(milliseconds(30)));
    EXPECT_FALSE(tick(seconds(1)));
}

TEST_F(OverloadTest, LateAgainAndAgainPassesTheOriginal) {
    EXPECT_FALSE(tick(milliseconds(31)));
    EXPECT_FALSE(tick(milliseconds(31)));
    EXPECT_TRUE(tick(milliseconds(31)));
    EXPECT_TRUE(tick(milliseconds(0)));
    EXPECT_NEAR(std::chrono::duration<double>(time_to_recover()).count(), 2, 0.05);
}

TEST_F(OverloadTest, EachFailedReturnWaitsLonger) {
    become_overloaded();
    time_to_recover();
    become_overloaded();
    EXPECT_NEAR(std::chrono::duration<double>(time_to_recover()).count(), 4, 0.05);
    become_overloaded();
    EXPECT_NEAR(std::chrono::duration<double>(time_to_recover()).count(), 8, 0.05);
    for (int i = 0; i < 6'000; ++i) ASSERT_FALSE(tick(milliseconds(0)));
    become_overloaded();
    EXPECT_NEAR(std::chrono::duration<double>(time_to_recover()).count(), 2, 0.05);
}

}  // namespace
}  // namespace hushcast::broadcast
