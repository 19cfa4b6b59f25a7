#include "people/access.hpp"

#include <string>

#include <gtest/gtest.h>

namespace hushcast::people {
namespace {

TEST(Names, AreTwoToThirtyTwoPlainCharacters) {
    for (const char* name : {"al", "alice", "A.b_c-9", "0123456789012345678901234567890a"}) {
        EXPECT_TRUE(is_valid_name(name)) << name;
    }
    for (const char* name : {"", "a", "..", "...", "a b", "a/b", "../x", "al\n", "älice",
                             "0123456789012345678901234567890ab"}) {
        EXPECT_FALSE(is_valid_name(name)) << name;
    }
    EXPECT_FALSE(is_valid_name(std::string_view("al\0", 3)));
}

TEST(Access, OnlyOneselfBroadcastsUnderAName) {
    EXPECT_TRUE(may({"alice"}, Action::Broadcast, "alice"));
    EXPECT_FALSE(may({"bob"}, Action::Broadcast, "alice"));
    EXPECT_FALSE(may({""}, Action::Broadcast, "alice"));
    EXPECT_TRUE(may({"bob"}, Action::Listen, "alice"));
    EXPECT_FALSE(may({"bob"}, Action::Listen, "../alice"));
}

}  // namespace
}  // namespace hushcast::people
