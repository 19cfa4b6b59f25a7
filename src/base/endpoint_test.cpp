#include "base/endpoint.hpp"

#include <gtest/gtest.h>

namespace hushcast {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
    EXPECT_EQ(IpAddress::parse("192.0.2.1"), IpAddress::v4(192, 0, 2, 1));
    EXPECT_EQ(IpAddress::parse("2001:DB8::1")->to_string(), "2001:db8::1");
    EXPECT_TRUE(IpAddress::parse("127.3.2.1")->is_loopback());
    EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
    EXPECT_TRUE(IpAddress::parse("fe80::1")->is_link_local());
    EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
    EXPECT_FALSE(IpAddress::parse("10.0.0.1")->is_loopback());
}

TEST(IpAddress, RefusesWhatIsNotAnAddress) {
    for (const char* text : {"", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256", "fe80::1%eth0",
                             "2001:db8::1::2", "x.local"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    }
    EXPECT_FALSE(IpAddress::parse(std::string(4096, '1')));
}

TEST(Endpoint, ReadsAndWritesHostAndPort) {
    EXPECT_EQ(Endpoint::parse("127.0.0.1:8000")->to_string(), "127.0.0.1:8000");
    EXPECT_EQ(Endpoint::parse("[::1]:65535")->to_string(), "[::1]:65535");
    for (const char* text : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
                             "::1:8000", "[127.0.0.1]:80", "[::1]", ":80", "127.0.0.1:80x"}) {
        EXPECT_FALSE(Endpoint::parse(text)) << text;
    }
}

}  // namespace
}  // namespace hushcast
