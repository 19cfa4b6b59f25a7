#include "net/range.hpp"

#include <gtest/gtest.h>

namespace hushcast::net {
namespace {

ByteRange satisfied(std::string_view header, std::uint64_t size) {
    const auto range = parse_range(header, size);
    EXPECT_TRUE(std::holds_alternative<ByteRange>(range)) << header;
    return std::holds_alternative<ByteRange>(range) ? std::get<ByteRange>(range) : ByteRange{};
}

TEST(Range, GivesFirstAndLastByte) {
    EXPECT_EQ(satisfied("bytes=0-0", 10), (ByteRange{0, 0}));
    EXPECT_EQ(satisfied("bytes=2-5", 10), (ByteRange{2, 5}));
    EXPECT_EQ(satisfied("bytes=2-", 10), (ByteRange{2, 9}));
    EXPECT_EQ(satisfied("bytes=2-99999999999", 10), (ByteRange{2, 9}));
    EXPECT_EQ(satisfied("bytes=-3", 10), (ByteRange{7, 9}));
    EXPECT_EQ(satisfied("bytes=-30", 10), (ByteRange{0, 9}));
    EXPECT_EQ(satisfied("bytes=2-5", 10).size(), 4U);
}

TEST(Range, OutsideTheFileIsUnsatisfiable) {
    for (const char* header : {"bytes=10-", "bytes=10-11", "bytes=-0"}) {
        EXPECT_TRUE(std::holds_alternative<Unsatisfiable>(parse_range(header, 10))) << header;
    }
    EXPECT_TRUE(std::holds_alternative<Unsatisfiable>(parse_range("bytes=0-", 0)));
    EXPECT_TRUE(std::holds_alternative<Unsatisfiable>(parse_range("bytes=-1", 0)));
}

TEST(Range, IsIgnoredWhenItMakesNoSense) {
    for (const char* header : {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b",
                               "bytes=1-b", "items=0-1", "bytes=0-1,3-4", "bytes=+1-2",
                               "bytes=0x1-2", "bytes=99999999999999999999999-", "bytes=--1"}) {
        EXPECT_TRUE(std::holds_alternative<WholeFile>(parse_range(header, 10))) << header;
    }
}

TEST(Etag, IsFoundInAList) {
    EXPECT_TRUE(matches_etag(R"("a")", R"("a")"));
    EXPECT_TRUE(matches_etag(R"("x", W/"a" ,"b")", R"("a")"));
    EXPECT_TRUE(matches_etag("*", R"("a")"));
    EXPECT_FALSE(matches_etag(R"("b",,)", R"("a")"));
    EXPECT_FALSE(matches_etag("", R"("a")"));
}

TEST(HttpDate, IsTheFixedForm) {
    EXPECT_EQ(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace hushcast::net
