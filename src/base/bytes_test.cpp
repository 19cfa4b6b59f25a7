#include "base/bytes.hpp"

#include <array>

#include <gtest/gtest.h>

namespace hushcast {
namespace {

TEST(ByteReader, ReadsBigEndianAndLatchesTheFirstFailure) {
    const std::array<std::uint8_t, 7> data{1, 2, 3, 4, 5, 6, 7};
    ByteReader reader(data);
    EXPECT_EQ(reader.u8(), 1);
    EXPECT_EQ(reader.u16(), 0x0203);
    EXPECT_EQ(reader.u24(), 0x040506U);
    EXPECT_EQ(reader.remaining(), 1U);
    EXPECT_EQ(reader.u32(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.u8(), 0) << "a failed reader stays failed, even where a byte would be left";
    EXPECT_TRUE(reader.bytes(0).empty());
    EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesBigEndianAndLatchesTheFirstFailure) {
    std::array<std::uint8_t, 8> data{};
    ByteWriter writer(data);
    writer.u8(1);
    writer.u32(0x02030405);
    writer.u24(0x060708);
    EXPECT_TRUE(writer.ok());
    EXPECT_EQ(data, (std::array<std::uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
    writer.fill(0, 0);
    EXPECT_TRUE(writer.ok());
    writer.u8(9);
    EXPECT_FALSE(writer.ok());
    EXPECT_EQ(writer.size(), 8U);
}

}  // namespace
}  // namespace hushcast
