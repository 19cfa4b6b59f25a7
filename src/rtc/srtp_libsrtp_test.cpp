// Packet by packet against libsrtp2, both ways.
#include "rtc/srtp.hpp"

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <srtp2/srtp.h>

#include "rtc/srtp_test_packets.hpp"

namespace hushcast::rtc {
namespace {

using Packet = std::vector<std::uint8_t>;

/// One direction of libsrtp2 with the same key.
class Peer {
public:
    Peer(SrtpProfile profile, SrtpMasterKey key, srtp_ssrc_type_t direction) {
        static const srtp_err_status_t kStarted = srtp_init();
        EXPECT_EQ(kStarted, srtp_err_status_ok);
        const bool gcm = profile == SrtpProfile::AeadAes128Gcm;
        std::memcpy(key_.data(), key.key.data(), key.key.size());
        std::memcpy(key_.data() + key.key.size(), key.salt.data(), gcm ? 12 : 14);
        srtp_policy_t policy{};
        for (auto* part : {&policy.rtp, &policy.rtcp}) {
            if (gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(part);
            if (!gcm) srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(part);
        }
        policy.ssrc.type = direction;
        policy.key = key_.data();
        policy.window_size = 128;
        policy.allow_repeat_tx = 1;
        EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
    }
    ~Peer() { srtp_dealloc(session_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    Packet protect(Packet packet) { return grow(srtp_protect, std::move(packet)); }
    Packet protect_rtcp(Packet packet) { return grow(srtp_protect_rtcp, std::move(packet)); }
    /// Empty when libsrtp2 refuses it.
    Packet open(Packet packet) { return run(srtp_unprotect, std::move(packet)); }
    Packet open_rtcp(Packet packet) { return run(srtp_unprotect_rtcp, std::move(packet)); }

private:
    using Function = srtp_err_status_t (*)(srtp_t, void*, int*);

    Packet grow(Function function, Packet packet) {
        const std::size_t size = packet.size();
        packet.resize(size + SRTP_MAX_TRAILER_LEN);
        return run(function, std::move(packet), size);
    }
    Packet run(Function function, Packet packet) {
        const std::size_t size = packet.size();
        return run(function, std::move(packet), size);
    }
    Packet run(Function function, Packet packet, std::size_t size) {
        int length = static_cast<int>(size);
        if (function(session_, packet.data(), &length) != srtp_err_status_ok) return {};
        packet.resize(static_cast<std::size_t>(length));
        return packet;
    }

    std::array<unsigned char, SRTP_MAX_KEY_LEN> key_{};
    srtp_t session_ = nullptr;
};

Packet protect(SrtpSender& sender, Packet packet) {
    const std::size_t size = packet.size();
    packet.resize(size + kMaxSrtpOverhead);
    packet.resize(sender.protect_rtp(packet, size).value());
    return packet;
}

Packet protect_rtcp(SrtpSender& sender, Packet packet) {
    const std::size_t size = packet.size();
    packet.resize(size + kMaxSrtpOverhead);
    packet.resize(sender.protect_rtcp(packet, size).value());
    return packet;
}

/// Empty when refused, as Peer::open() answers.
Packet open(SrtpReceiver& receiver, Packet packet) {
    const auto size = receiver.unprotect_rtp(packet);
    packet.resize(size ? *size : 0);
    return packet;
}

Packet open_rtcp(SrtpReceiver& receiver, Packet packet) {
    const auto size = receiver.unprotect_rtcp(packet);
    packet.resize(size ? *size : 0);
    return packet;
}

class AgainstLibsrtp : public testing::TestWithParam<SrtpProfile> {
protected:
    AgainstLibsrtp() {
        for (auto& byte : key_.key) byte = static_cast<std::uint8_t>(random_below(random_, 256));
        for (auto& byte : key_.salt) byte = static_cast<std::uint8_t>(random_below(random_, 256));
    }

    /// Lost now and then, so that the sequence numbers jump.
    std::uint16_t next_sequence() {
        return sequence_ = static_cast<std::uint16_t>(sequence_ + 1 + random_below(random_, 40));
    }

    std::mt19937 random_{2026};
    SrtpMasterKey key_;
    std::uint16_t sequence_ = 30'000;
};

TEST_P(AgainstLibsrtp, WeSendTheSameBytes) {
    SrtpSender ours(GetParam(), key_);
    Peer theirs(GetParam(), key_, ssrc_any_outbound);
    // RFC 3711 section 3.4 starts the SRTCP index at 0, libsrtp2 at 1.
    protect_rtcp(ours, random_rtcp(random_, 7));
    for (int i = 0; i < 10'000; ++i) {  // three rounds of the sequence number
        const Packet rtp = random_rtp(random_, next_sequence(), 7);
        ASSERT_EQ(protect(ours, rtp), theirs.protect(rtp)) << "packet " << i;
        if (i % 10 != 0) continue;
        const Packet rtcp = random_rtcp(random_, 7);
        ASSERT_EQ(protect_rtcp(ours, rtcp), theirs.protect_rtcp(rtcp)) << "packet " << i;
    }
}

TEST_P(AgainstLibsrtp, WeAcceptAndRefuseTheSamePackets) {
    Peer sender(GetParam(), key_, ssrc_any_outbound);
    SrtpReceiver ours(GetParam(), key_);
    Peer theirs(GetParam(), key_, ssrc_any_inbound);
    std::vector<Packet> recent;
    int accepted = 0;
    int refused = 0;
    const auto deliver = [&](const Packet& packet) {
        const Packet opened = open(ours, packet);
        ASSERT_EQ(opened, theirs.open(packet));
        ++(opened.empty() ? refused : accepted);
    };
    for (int i = 0; i < 10'000; ++i) {
        recent.push_back(sender.protect(random_rtp(random_, next_sequence(), 7)));
        // Out of order, several times, or damaged; now and then so late that the window has passed.
        const std::size_t reach = random_below(random_, 50) == 0 ? recent.size() : 4;
        const std::size_t back = random_below(random_, std::min(recent.size(), reach));
        Packet packet = recent[recent.size() - 1 - back];
        if (random_below(random_, 10) == 0) {
            packet[random_below(random_, packet.size())] ^=
                static_cast<std::uint8_t>(1U << random_below(random_, 8));
        }
        ASSERT_NO_FATAL_FAILURE(deliver(packet)) << "packet " << i;
        if (recent.size() > 200) recent.erase(recent.begin());
        if (i % 10 != 0) continue;
        const Packet rtcp = sender.protect_rtcp(random_rtcp(random_, 7));
        for (int times = 0; times < 2; ++times) {
            ASSERT_EQ(open_rtcp(ours, rtcp), theirs.open_rtcp(rtcp)) << "packet " << i;
        }
    }
    EXPECT_GT(accepted, 5'000);
    EXPECT_GT(refused, 1'000);
}

INSTANTIATE_TEST_SUITE_P(Profiles,
                         AgainstLibsrtp,
                         testing::Values(SrtpProfile::AesCm128HmacSha1_80,
                                         SrtpProfile::AeadAes128Gcm),
                         [](const auto& test) {
                             return test.param == SrtpProfile::AeadAes128Gcm ? "Gcm" : "Cm";
                         });

}  // namespace
}  // namespace hushcast::rtc
