#include "broadcast/secrets.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hushcast::broadcast {
namespace {

TEST(Secrets, UuidsAreVersionFourAndDiffer) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const std::string uuid = random_uuid();
        EXPECT_THAT(uuid, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-"
                                                "[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
        EXPECT_TRUE(seen.insert(uuid).second);
    }
}

TEST(Secrets, IceCredentialsAreLongEnoughAndDiffer) {
    const rtc::IceCredentials one = random_ice_credentials();
    const rtc::IceCredentials other = random_ice_credentials();
    EXPECT_THAT(one.ufrag, testing::MatchesRegex("[A-Za-z0-9+/]{12}"));
    EXPECT_THAT(one.password, testing::MatchesRegex("[A-Za-z0-9+/]{32}"));
    EXPECT_NE(one.ufrag, other.ufrag);
    EXPECT_NE(one.password, other.password);
}

}  // namespace
}  // namespace hushcast::broadcast
