#include "net/url.hpp"

#include <gtest/gtest.h>

namespace hushcast::net {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Target, IsDecodedIntoPathAndQuery) {
    const auto target = parse_target("/user/a%20b+c?x=1&y=two+words&z&&w=%26%3D#part");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path, "/user/a b+c");
    EXPECT_EQ(target->query, (Pairs{{"x", "1"}, {"y", "two words"}, {"z", ""}, {"w", "&="}}));
}

TEST(Target, MayCarryTheAuthority) {
    EXPECT_EQ(parse_target("http://host:8000/a?b=c")->path, "/a");
    EXPECT_EQ(parse_target("https://host")->path, "/");
    EXPECT_FALSE(parse_target("http://host?x"));
    EXPECT_FALSE(parse_target("ftp://host/a"));
}

TEST(Target, RefusesWhatNoLinkOfOursHas) {
    for (const char* hostile : {"", "*", "a/b", "/..", "/../etc/passwd", "/a/../b", "/a/%2e%2e/b",
                                "/%2e", "/a/.", "/a%2f..", "/%00", "/a%0d%0aSet-Cookie:x", "/%",
                                "/%4", "/%zz", "/?a=%g0", "/?%", "/a\x7f"}) {
        EXPECT_FALSE(parse_target(hostile)) << hostile;
    }
    EXPECT_EQ(parse_target("/..a/b..")->path, "/..a/b..");
}

TEST(Target, HoldsAtMostSixtyFourParameters) {
    std::string target = "/?a=1";
    for (std::size_t i = 1; i < kMaxParameters; ++i) target += "&a=1";
    EXPECT_EQ(parse_target(target)->query.size(), kMaxParameters);
    EXPECT_FALSE(parse_target(target + "&a=1"));
}

}  // namespace
}  // namespace hushcast::net
