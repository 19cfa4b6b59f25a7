#include "base/log.hpp"

#include <gtest/gtest.h>

namespace hushcast::log {
namespace {

TEST(Log, QuotesWhatCouldForgeALine) {
    testing::internal::CaptureStderr();
    info("stream started", {{"name", "eve\nerror \"x\""}, {"listeners", 3}, {"empty", ""}});
    const std::string line = testing::internal::GetCapturedStderr();
    EXPECT_NE(line.find(R"(info stream started name="eve\x0aerror \"x\"" listeners=3 empty="")"),
              std::string::npos)
        << line;
}

TEST(Log, RedactsTheHostPart) {
    EXPECT_EQ(redacted("192.0.2.17"), "192.0.2.x");
    EXPECT_EQ(redacted("2001:db8::17"), "2001:db8::x");
    EXPECT_EQ(redacted("17"), "x");
}

TEST(OncePerSecond, LetsOneThroughAndCountsTheRest) {
    OncePerSecond limit;
    const Time start{};
    EXPECT_EQ(limit.admit(start), 0U);
    EXPECT_FALSE(limit.admit(start + std::chrono::milliseconds(999)));
    EXPECT_FALSE(limit.admit(start + std::chrono::milliseconds(999)));
    EXPECT_EQ(limit.admit(start + std::chrono::seconds(1)), 2U);
}

}  // namespace
}  // namespace hushcast::log
