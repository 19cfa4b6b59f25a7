#include "broadcast/wall_clock.hpp"

#include <gtest/gtest.h>

namespace hushcast::broadcast {
namespace {

TEST(WallClock, WritesRfc3339) {
    using std::chrono::seconds;
    using std::chrono::system_clock;
    EXPECT_EQ(rfc3339(system_clock::time_point{}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(rfc3339(system_clock::time_point(seconds(1'709'210'096))), "2024-02-29T12:34:56Z");
}

}  // namespace
}  // namespace hushcast::broadcast
