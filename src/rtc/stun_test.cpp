#include "rtc/stun.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rtc/ice_lite.hpp"

namespace hushcast::rtc {
namespace {

std::vector<std::uint8_t> from_hex(std::string_view hex) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(
            static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

// RFC 5769, sections 2.1 to 2.3.
constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view kRequest =
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001"
    "ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f2"
    "49"
    "c1b571a280280004e57a3bcf";
constexpr std::string_view kV4Response =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a6"
    "43"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
constexpr std::string_view kV6Response =
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9"
    "fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

const StunTransactionId kTransaction{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                     0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

/// A message without FINGERPRINT, from its attributes.
std::vector<std::uint8_t> message(std::uint16_t type, std::string_view attributes_hex) {
    const auto attributes = from_hex(attributes_hex);
    std::vector<std::uint8_t> bytes = from_hex("000000002112a442b7e7a701bc34d686fa87dfae");
    bytes[0] = static_cast<std::uint8_t>(type >> 8);
    bytes[1] = static_cast<std::uint8_t>(type);
    bytes[2] = static_cast<std::uint8_t>(attributes.size() >> 8);
    bytes[3] = static_cast<std::uint8_t>(attributes.size());
    bytes.insert(bytes.end(), attributes.begin(), attributes.end());
    return bytes;
}

TEST(Stun, ReadsTheRequestOfRfc5769) {
    const auto datagram = from_hex(kRequest);
    const auto parsed = parse_stun(datagram);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->kind, StunClass::Request);
    EXPECT_EQ(parsed->transaction, kTransaction);
    EXPECT_EQ(parsed->username, "evtj:h6vY");
    EXPECT_EQ(parsed->priority, 0x6e0001ffU);
    EXPECT_EQ(parsed->controlled, 0x932ff9b151263b36U);
    EXPECT_FALSE(parsed->controlling);
    EXPECT_FALSE(parsed->use_candidate);
    EXPECT_EQ(parsed->unknown_count, 0U) << "SOFTWARE may be ignored";
    EXPECT_TRUE(has_integrity(*parsed, kPassword));
    EXPECT_FALSE(has_integrity(*parsed, "VOkJxbRl1RmTxUk/WvJxBT"));
    EXPECT_FALSE(has_integrity(*parsed, ""));
    EXPECT_EQ(stun_local_ufrag(datagram), "evtj");
}

TEST(Stun, ReadsTheResponsesOfRfc5769) {
    const auto v4 = from_hex(kV4Response);
    const auto four = parse_stun(v4);
    ASSERT_TRUE(four);
    EXPECT_EQ(four->kind, StunClass::Success);
    EXPECT_EQ(four->mapped_address, Endpoint::parse("192.0.2.1:32853"));
    EXPECT_TRUE(has_integrity(*four, kPassword));

    const auto v6 = from_hex(kV6Response);
    const auto six = parse_stun(v6);
    ASSERT_TRUE(six);
    EXPECT_EQ(six->mapped_address, Endpoint::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
    EXPECT_TRUE(has_integrity(*six, kPassword));
    EXPECT_FALSE(stun_local_ufrag(v6));
}

TEST(Stun, NoFlippedBitStaysAuthentic) {
    for (const std::string_view vector : {kRequest, kV4Response, kV6Response}) {
        auto datagram = from_hex(vector);
        const std::size_t fingerprint = datagram.size() - 8;  // what follows the integrity
        for (std::size_t bit = 0; bit < fingerprint * 8; ++bit) {
            const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
            datagram[bit / 8] ^= mask;
            const auto parsed = parse_stun(datagram);
            EXPECT_FALSE(parsed && has_integrity(*parsed, kPassword)) << bit;
            datagram[bit / 8] ^= mask;
        }
        for (std::size_t bit = 0; bit < 32; ++bit) {  // the fingerprint itself
            datagram[fingerprint + 4 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
            EXPECT_FALSE(parse_stun(datagram)) << bit;
            datagram[fingerprint + 4 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        }
        for (std::size_t size = 0; size < datagram.size(); ++size) {
            EXPECT_FALSE(parse_stun(Bytes(datagram).first(size))) << size;
        }
    }
}

TEST(Stun, ReadsTheChecksThatItWrites) {
    const std::string username = std::string(256, 'a') + ':' + std::string(256, 'b');
    for (const bool controlling : {true, false}) {
        const StunCheck check{.transaction = kTransaction,
                              .username = username,
                              .password = kPassword,
                              .priority = 77,
                              .tie_breaker = 0x0102030405060708,
                              .controlling = controlling,
                              .nominate = controlling};
        const StunPacket packet = write_check(check);
        const auto parsed = parse_stun(packet.bytes());
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->username, username);
        EXPECT_EQ(parsed->priority, 77U);
        EXPECT_EQ(controlling ? parsed->controlling : parsed->controlled, check.tie_breaker);
        EXPECT_NE(parsed->controlling.has_value(), parsed->controlled.has_value());
        EXPECT_EQ(parsed->use_candidate, controlling);
        EXPECT_TRUE(has_integrity(*parsed, kPassword));
    }
}

TEST(Stun, ReadsTheResponsesThatItWrites) {
    for (const char* text : {"192.0.2.77:1", "[2001:db8::77]:65535"}) {
        const auto mapped = Endpoint::parse(text);
        const StunPacket packet = write_success(kTransaction, *mapped, kPassword);
        const auto parsed = parse_stun(packet.bytes());
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->kind, StunClass::Success);
        EXPECT_EQ(parsed->mapped_address, mapped);
        EXPECT_TRUE(has_integrity(*parsed, kPassword));
    }
    const std::array<std::uint16_t, 3> unknown{0x7f00, 0x7f01, 0x7f02};
    for (const auto error : {StunError::BadRequest, StunError::Unauthenticated,
                             StunError::UnknownAttribute, StunError::RoleConflict}) {
        const StunPacket packet = write_error(kTransaction, error, kPassword, unknown);
        const auto parsed = parse_stun(packet.bytes());
        ASSERT_TRUE(parsed);
        EXPECT_EQ(parsed->kind, StunClass::Error);
        EXPECT_EQ(parsed->error_code, static_cast<std::uint16_t>(error));
        EXPECT_TRUE(has_integrity(*parsed, kPassword));
    }
    const StunPacket plain = write_error(kTransaction, StunError::Unauthenticated, {});
    const auto parsed = parse_stun(plain.bytes());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->integrity_offset, 0U);
    EXPECT_FALSE(has_integrity(*parsed, ""));
}

TEST(Stun, NothingBehindTheIntegrityCounts) {
    // USE-CANDIDATE smuggled in behind the signature of somebody else's check.
    const StunCheck check{.transaction = kTransaction, .username = "a:b", .password = kPassword};
    const StunPacket packet = write_check(check);
    const Bytes signed_part = packet.bytes().first(packet.bytes().size() - 8);
    std::vector<std::uint8_t> forged(signed_part.begin(), signed_part.end());
    for (const std::uint8_t byte : from_hex("00250000")) forged.push_back(byte);
    forged[3] = static_cast<std::uint8_t>(forged.size() - 20);
    const auto parsed = parse_stun(forged);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(has_integrity(*parsed, kPassword));
    EXPECT_FALSE(parsed->use_candidate);
}

TEST(Stun, CollectsUnknownAttributesThatMustBeUnderstood) {
    const auto parsed = parse_stun(message(0x0001,
                                           "7f000000"
                                           "ff000000"
                                           "7f010003aabbcc00"));
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->unknown_count, 2U);
    EXPECT_EQ(parsed->unknown_attributes()[0], 0x7f00);
    EXPECT_EQ(parsed->unknown_attributes()[1], 0x7f01);
}

TEST(Stun, RefusesHostileMessages) {
    std::string many;
    for (std::size_t i = 0; i <= StunMessage::kMaxAttributes; ++i) many += "ff000000";
    std::string long_name = "00060202";  // 514 bytes
    long_name.append(std::size_t{516} * 2, '6');
    const std::vector<std::pair<const char*, std::vector<std::uint8_t>>> cases = {
        {"empty", {}},
        {"another method", message(0x0003, "")},
        {"first bits set", message(0x4001, "")},
        {"attribute header cut", message(0x0001, "0006")},
        {"attribute longer than the message", message(0x0001, "0006ffff61626364")},
        {"padding missing", message(0x0001, "0006000161")},
        {"too many attributes", message(0x0001, many)},
        {"user name too long", message(0x0001, long_name)},
        {"short priority", message(0x0001, "0024000200010000")},
        {"long priority", message(0x0001, "002400080000000000000000")},
        {"USE-CANDIDATE with a value", message(0x0001, "0025000400000000")},
        {"short tie-breaker", message(0x0001, "802a000400000000")},
        {"short integrity", message(0x0001, "0008000400000000")},
        {"wrong fingerprint", message(0x0001, "8028000400000000")},
        {"mapped address of no family", message(0x0101, "002000080003a147e112a643")},
        {"IPv6 address of four bytes", message(0x0101, "002000080002a147e112a643")},
        {"empty error code", message(0x0111, "00090000")},
        {"larger than any datagram", std::vector<std::uint8_t>(1501)},
    };
    for (const auto& [name, datagram] : cases) EXPECT_FALSE(parse_stun(datagram)) << name;

    auto cookie = message(0x0001, "");
    EXPECT_TRUE(parse_stun(cookie));
    cookie[7] ^= 1;
    EXPECT_FALSE(parse_stun(cookie));
    auto length = message(0x0001, "00250000");
    length[3] = 0;
    EXPECT_FALSE(parse_stun(length)) << "bytes behind the message";
}

TEST(Stun, RandomBytesAreNoMessage) {
    std::mt19937 random(1);
    for (int i = 0; i < 10'000; ++i) {
        std::vector<std::uint8_t> noise(random() % 200);
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        EXPECT_FALSE(parse_stun(noise));
    }
}

}  // namespace
}  // namespace hushcast::rtc
