#include "rtc/srtp.hpp"

#include <algorithm>
#include <random>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "rtc/srtp_crypto.hpp"
#include "rtc/srtp_test_packets.hpp"

namespace hushcast::rtc {
namespace {

using Packet = std::vector<std::uint8_t>;

Packet from_hex(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    Packet bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
    }
    return bytes;
}

template <std::size_t Size>
std::array<std::uint8_t, Size> key_from_hex(std::string_view text) {
    std::array<std::uint8_t, Size> key{};
    const Packet bytes = from_hex(text);
    std::copy_n(bytes.begin(), std::min(bytes.size(), Size), key.begin());
    return key;
}

template <typename Range>
Packet as_packet(const Range& range) {
    return Packet(range.begin(), range.end());
}

// RFC 3711 appendix B.3.
const SrtpMasterKey kRfcMaster{key_from_hex<16>("e1f97a0d3e018be0d64fa32c06de4139"),
                               key_from_hex<14>("0ec675ad498afeebb6960b3aabe6")};

TEST(SrtpKeys, AreDerivedAsInRfc3711AppendixB3) {
    const auto keys =
        derive_session_keys(SrtpProfile::AesCm128HmacSha1_80, kRfcMaster, SrtpStream::Rtp);
    EXPECT_EQ(keys.encryption, key_from_hex<16>("c61e7a93744f39ee10734afe3ff7a087"));
    EXPECT_EQ(keys.salt, key_from_hex<14>("30cbbc08863d8c85d49db34a9ae1"));
    EXPECT_EQ(keys.authentication, key_from_hex<20>("cebe321f6ff7716b6fd4ab49af256a156d38baa4"));
}

TEST(SrtpCm, KeyStreamIsThatOfRfc3711AppendixB2) {
    // Session salt f0f1…fd, SSRC 0 and index 0 make the appendix's first counter block; a payload
    // of zeros shows the key stream.
    const SrtpSessionKeys keys{key_from_hex<16>("2b7e151628aed2a6abf7158809cf4f3c"),
                               key_from_hex<14>("f0f1f2f3f4f5f6f7f8f9fafbfcfd"),
                               {}};
    const auto cipher =
        make_srtp_cipher(SrtpProfile::AesCm128HmacSha1_80, SrtpDirection::Seal, keys, keys);
    Packet packet(12 + 32 + 10);
    cipher->seal_rtp(packet.data(), 12 + 32, 12, 0);
    EXPECT_EQ(Packet(packet.begin() + 12, packet.begin() + 12 + 32),
              from_hex("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"));
}

class Rfc7714 : public testing::Test {
protected:
    static std::unique_ptr<SrtpCipher> cipher(SrtpDirection direction) {
        const SrtpSessionKeys keys{key_from_hex<16>("000102030405060708090a0b0c0d0e0f"),
                                   key_from_hex<14>("517569642070726f2071756f"),
                                   {}};
        return make_srtp_cipher(SrtpProfile::AeadAes128Gcm, direction, keys, keys);
    }
    const Packet rtp_ = from_hex(
        "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e20706172746573"
        "2074726573");
    const Packet srtp_ = from_hex(
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36"
        "de3adf8833899d7f27beb16a9152cf765ee4390cce");
    const Packet rtcp_ = from_hex(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef"
        "deadbeefdeadbeef");
    const Packet srtcp_ = from_hex(
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b46"
        "86303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4");
    const Packet srtcp_tagged_only_ = from_hex(
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef"
        "deadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4");
};

TEST_F(Rfc7714, Section16RtpIsSealedAndOpened) {
    Packet packet = rtp_;
    packet.resize(srtp_.size());
    cipher(SrtpDirection::Seal)->seal_rtp(packet.data(), rtp_.size(), 12, 0xf17b);
    EXPECT_EQ(packet, srtp_);
    ASSERT_TRUE(cipher(SrtpDirection::Open)->open_rtp(packet.data(), packet.size(), 12, 0xf17b));
    packet.resize(rtp_.size());
    EXPECT_EQ(packet, rtp_);
}

TEST_F(Rfc7714, Section17RtcpIsSealedAndOpened) {
    Packet packet = rtcp_;
    packet.resize(srtcp_.size());
    cipher(SrtpDirection::Seal)->seal_rtcp(packet.data(), rtcp_.size(), 0x5d4);
    EXPECT_EQ(packet, srtcp_);
    ASSERT_TRUE(cipher(SrtpDirection::Open)->open_rtcp(packet.data(), packet.size()));
    packet.resize(rtcp_.size());
    EXPECT_EQ(packet, rtcp_);
}

TEST_F(Rfc7714, Section17RtcpWithoutEncryptionIsAuthenticated) {
    Packet packet = srtcp_tagged_only_;
    ASSERT_TRUE(cipher(SrtpDirection::Open)->open_rtcp(packet.data(), packet.size()));
    packet.resize(rtcp_.size());
    EXPECT_EQ(packet, rtcp_);

    packet = srtcp_tagged_only_;
    packet[9] ^= 1;
    EXPECT_FALSE(cipher(SrtpDirection::Open)->open_rtcp(packet.data(), packet.size()));
}

class Srtp : public testing::TestWithParam<SrtpProfile> {
protected:
    static std::optional<Packet> protect(SrtpSender& sender, Packet packet) {
        const std::size_t size = packet.size();
        packet.resize(size + kMaxSrtpOverhead);
        const auto protected_size = sender.protect_rtp(packet, size);
        if (!protected_size) return std::nullopt;
        packet.resize(*protected_size);
        return packet;
    }
    static Packet protect_rtcp(SrtpSender& sender, Packet packet) {
        const std::size_t size = packet.size();
        packet.resize(size + kMaxSrtpOverhead);
        packet.resize(sender.protect_rtcp(packet, size).value());
        return packet;
    }
    static std::optional<SrtpError> error(const Result<std::size_t, SrtpError>& result) {
        if (result.ok()) return std::nullopt;
        return result.error();
    }
    std::optional<SrtpError> open(Packet packet) { return error(receiver_.unprotect_rtp(packet)); }
    std::optional<SrtpError> open_rtcp(Packet packet) {
        return error(receiver_.unprotect_rtcp(packet));
    }

    SrtpSender sender_{GetParam(), kRfcMaster};
    SrtpReceiver receiver_{GetParam(), kRfcMaster};
    std::mt19937 random_{7};
};

TEST_P(Srtp, ReplayedPacketsAreRefusedAndReorderedOnesAreNot) {
    std::vector<Packet> sent;
    for (std::uint16_t sequence = 100; sequence < 400; ++sequence) {
        sent.push_back(*protect(sender_, random_rtp(random_, sequence, 1)));
    }
    EXPECT_EQ(open(sent[1]), std::nullopt);
    EXPECT_EQ(open(sent[0]), std::nullopt) << "one late, but never seen";
    EXPECT_EQ(open(sent[0]), SrtpError::Replayed);
    EXPECT_EQ(open(sent[1]), SrtpError::Replayed);
    EXPECT_EQ(open(sent[200]), std::nullopt);
    EXPECT_EQ(open(sent[200 - 127]), std::nullopt) << "the last one in the window";
    EXPECT_EQ(open(sent[200 - 127]), SrtpError::Replayed);
    EXPECT_EQ(open(sent[200 - 128]), SrtpError::Replayed) << "older than the window";
    EXPECT_EQ(open(sent[299]), std::nullopt);
}

TEST_P(Srtp, RolloverIsFollowedInBothDirections) {
    const Packet before = *protect(sender_, random_rtp(random_, 0xfffe, 1));
    const Packet late = *protect(sender_, random_rtp(random_, 0xffff, 1));
    const Packet after = *protect(sender_, random_rtp(random_, 0, 1));
    const Packet next = *protect(sender_, random_rtp(random_, 1, 1));
    EXPECT_EQ(open(before), std::nullopt);
    EXPECT_EQ(open(next), std::nullopt);
    EXPECT_EQ(open(late), std::nullopt) << "belongs to the round before";
    EXPECT_EQ(open(after), std::nullopt);
    EXPECT_EQ(open(late), SrtpError::Replayed);
}

TEST_P(Srtp, APacketSentAgainHasTheSameBytes) {
    const Packet plain = random_rtp(random_, 0xffff, 1);
    const Packet first = *protect(sender_, plain);
    ASSERT_TRUE(protect(sender_, random_rtp(random_, 0, 1)));
    EXPECT_EQ(protect(sender_, plain), first);
}

TEST_P(Srtp, EveryCorruptedBitIsNoticed) {
    const Packet rtp = *protect(sender_, random_rtp(random_, 5, 1));
    const Packet rtcp = protect_rtcp(sender_, random_rtcp(random_, 1));
    for (std::size_t bit = 0; bit < rtp.size() * 8; ++bit) {
        Packet wrong = rtp;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_NE(open(wrong), std::nullopt) << "bit " << bit;
    }
    for (std::size_t bit = 0; bit < rtcp.size() * 8; ++bit) {
        Packet wrong = rtcp;
        wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_NE(open_rtcp(wrong), std::nullopt) << "bit " << bit;
    }
    EXPECT_EQ(open(rtp), std::nullopt) << "failures leave no trace";
    EXPECT_EQ(open_rtcp(rtcp), std::nullopt);
}

TEST_P(Srtp, TruncatedPacketsAreRefused) {
    const Packet rtp = *protect(sender_, random_rtp(random_, 5, 1));
    const Packet rtcp = protect_rtcp(sender_, random_rtcp(random_, 1));
    for (std::size_t size = 0; size < rtp.size(); ++size) {
        EXPECT_NE(open(Packet(rtp.begin(), rtp.begin() + static_cast<std::ptrdiff_t>(size))),
                  std::nullopt);
    }
    for (std::size_t size = 0; size < rtcp.size(); ++size) {
        EXPECT_NE(open_rtcp(Packet(rtcp.begin(), rtcp.begin() + static_cast<std::ptrdiff_t>(size))),
                  std::nullopt);
    }
}

TEST_P(Srtp, RtcpIsProtectedBetweenRtpPackets) {
    for (std::uint16_t sequence = 0; sequence < 20; ++sequence) {
        EXPECT_EQ(open(*protect(sender_, random_rtp(random_, sequence, 1))), std::nullopt);
        const Packet rtcp = protect_rtcp(sender_, random_rtcp(random_, 1));
        EXPECT_EQ(open_rtcp(rtcp), std::nullopt);
        EXPECT_EQ(open_rtcp(rtcp), SrtpError::Replayed);
    }
}

TEST_P(Srtp, ForgedSourcesTakeNoPlace) {
    for (std::uint32_t ssrc = 0; ssrc < 100; ++ssrc) {
        EXPECT_EQ(open(random_rtp(random_, 1, ssrc, 100)), SrtpError::Unauthentic);
    }
    EXPECT_EQ(open(*protect(sender_, random_rtp(random_, 1, 7))), std::nullopt);
}

TEST_P(Srtp, SourcesAreLimited) {
    for (std::uint32_t ssrc = 0; ssrc < SrtpReceiver::kMaxSources; ++ssrc) {
        EXPECT_EQ(open(*protect(sender_, random_rtp(random_, 1, ssrc))), std::nullopt);
        EXPECT_EQ(open_rtcp(protect_rtcp(sender_, random_rtcp(random_, ssrc))), std::nullopt);
    }
    EXPECT_FALSE(protect(sender_, random_rtp(random_, 1, 999)));
    SrtpSender other(GetParam(), kRfcMaster);
    EXPECT_EQ(open(*protect(other, random_rtp(random_, 1, 999))), SrtpError::TooManySources);
    EXPECT_EQ(open_rtcp(protect_rtcp(other, random_rtcp(random_, 999))), SrtpError::TooManySources);
    EXPECT_EQ(open(*protect(sender_, random_rtp(random_, 2, 0))), std::nullopt)
        << "known ones go on";
}

TEST_P(Srtp, WhatCannotBeProtectedIsRefused) {
    Packet packet = random_rtp(random_, 1, 1);
    EXPECT_EQ(error(sender_.protect_rtp(packet, packet.size())), SrtpError::NoSpace);
    EXPECT_EQ(error(sender_.protect_rtp(packet, packet.size() + 1)), SrtpError::NoSpace);
    EXPECT_EQ(error(sender_.protect_rtcp(packet, packet.size())), SrtpError::NoSpace);
    Packet zeros(100);
    EXPECT_EQ(error(sender_.protect_rtp(zeros, 50)), SrtpError::Malformed);
    EXPECT_EQ(error(sender_.protect_rtcp(zeros, 50)), SrtpError::Malformed);
    Packet lying(64);
    lying[0] = 0x9f;  // 15 CSRCs and an extension do not fit in 44 bytes
    EXPECT_EQ(error(sender_.protect_rtp(lying, 44)), SrtpError::Malformed);
}

INSTANTIATE_TEST_SUITE_P(Profiles,
                         Srtp,
                         testing::Values(SrtpProfile::AesCm128HmacSha1_80,
                                         SrtpProfile::AeadAes128Gcm),
                         [](const auto& test) {
                             return test.param == SrtpProfile::AeadAes128Gcm ? "Gcm" : "Cm";
                         });

}  // namespace
}  // namespace hushcast::rtc
