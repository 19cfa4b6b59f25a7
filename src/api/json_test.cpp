#include "api/json.hpp"

#include <gtest/gtest.h>

namespace hushcast::api {
namespace {

TEST(Json, OnlyObjectsAreBodies) {
    EXPECT_TRUE(parse_object(R"({"a": 1})"));
    for (const char* bad :
         {"", "1", "[]", "null", "{", "{\"a\":}", "{} {}", "{'a': 1}", "\xff", "{\"\xff\": 1}"}) {
        EXPECT_FALSE(parse_object(bad)) << bad;
    }
}

TEST(Json, DepthIsLimited) {
    const auto nested = [](std::size_t depth) {
        return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + '}';
    };
    EXPECT_TRUE(parse_object(nested(kMaxJsonDepth - 1)));
    EXPECT_FALSE(parse_object(nested(kMaxJsonDepth)));
    EXPECT_FALSE(parse_object(nested(100'000)));
}

TEST(Fields, AreReadOrNamedInTheFault) {
    const auto object = parse_object(R"({"s": "x", "e": "", "t": true, "n": 24.5, "i": 7})");
    Fields good(object.value());
    EXPECT_EQ(good.text("s"), "x");
    EXPECT_TRUE(good.truth("t", false));
    EXPECT_TRUE(good.truth("absent", true));
    EXPECT_EQ(good.number("n", 0, 100), 24.5);
    EXPECT_EQ(good.number("i", 0, 100), 7.0);
    EXPECT_EQ(good.number("absent", 0, 100), std::nullopt);
    EXPECT_EQ(good.fault(), "");

    const auto fault = [&](auto read) {
        Fields fields(object.value());
        read(fields);
        return fields.fault();
    };
    EXPECT_EQ(fault([](Fields& f) { f.text("absent"); }), "absent is missing");
    EXPECT_EQ(fault([](Fields& f) { f.text("e"); }), "e is empty");
    EXPECT_EQ(fault([](Fields& f) { f.text("n"); }), "n must be a string");
    EXPECT_EQ(fault([](Fields& f) { f.truth("s", true); }), "s must be true or false");
    EXPECT_EQ(fault([](Fields& f) { f.number("i", 0, 6); }), "i must be a number from 0 to 6");
    EXPECT_EQ(fault([](Fields& f) { f.number("s", 0, 6); }), "s must be a number from 0 to 6");
    EXPECT_EQ(fault([](Fields& f) {
                  f.text("e");
                  f.text("absent");
              }),
              "e is empty");
}

}  // namespace
}  // namespace hushcast::api
