#include "api/rate_limit.hpp"

#include <gtest/gtest.h>

namespace hushcast::api {
namespace {

using namespace std::chrono_literals;

IpAddress client(int number) {
    return IpAddress::v4(10, 0, static_cast<std::uint8_t>(number >> 8),
                         static_cast<std::uint8_t>(number));
}

TEST(RateLimit, AllowsABurstAndThenASteadyFlow) {
    RateLimit limit({.per_second = 10, .burst = 3, .clients = 4});
    const Time start;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.admit(start, client(1)));
    EXPECT_FALSE(limit.admit(start, client(1)));
    EXPECT_FALSE(limit.admit(start + 99ms, client(1)));
    EXPECT_TRUE(limit.admit(start + 101ms, client(1)));
    EXPECT_FALSE(limit.admit(start + 101ms, client(1)));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.admit(start + 1h, client(1)));
    EXPECT_FALSE(limit.admit(start + 1h, client(1)));
}

TEST(RateLimit, CountsClientsApart) {
    RateLimit limit({.per_second = 1, .burst = 1, .clients = 4});
    EXPECT_TRUE(limit.admit({}, client(1)));
    EXPECT_TRUE(limit.admit({}, client(2)));
    EXPECT_FALSE(limit.admit({}, client(1)));
}

TEST(RateLimit, WhoeverDoesNotFitSharesOneBucketUntilThereIsRoom) {
    RateLimit limit({.per_second = 1, .burst = 2, .clients = 4});
    const Time start;
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(limit.admit(start, client(i)));
    EXPECT_TRUE(limit.admit(start, client(100)));
    EXPECT_TRUE(limit.admit(start, client(101)));
    EXPECT_FALSE(limit.admit(start, client(102)));
    EXPECT_TRUE(limit.admit(start, client(0))) << "those in the table keep theirs";
    EXPECT_TRUE(limit.admit(start + 1h, client(102)));
    EXPECT_TRUE(limit.admit(start + 1h, client(102)));
    EXPECT_FALSE(limit.admit(start + 1h, client(102)));
}

}  // namespace
}  // namespace hushcast::api
