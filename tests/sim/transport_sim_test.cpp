// ICE, DTLS and SDP of one peer against the server's side, over a network that loses and reorders.
#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "rtc/sdp.hpp"
#include "rtc/transport.hpp"
#include "sim/fake_network.hpp"
#include "sim/rtc_peer.hpp"

namespace hushcast::sim {
namespace {

using namespace std::chrono_literals;
using rtc::TransportState;

const Endpoint kServer{IpAddress::v4(192, 0, 2, 1), 8000};
const Endpoint kPeer{IpAddress::v4(198, 51, 100, 7), 40'000};
const Endpoint kElsewhere{IpAddress::v4(203, 0, 113, 9), 5000};

/// The identities are made once: a key costs more than a test.
struct Identities {
    rtc::DtlsIdentity server;
    rtc::DtlsIdentity peer;
    rtc::DtlsIdentity stranger;
};
const Identities& identities() {
    static const Identities kAll;
    return kAll;
}

/// The server's side for one peer.
class ServerNode final : public Node {
public:
    ServerNode(FakeNetwork& network, std::string_view offer_text) : network_(network) {
        network_.attach(kServer, *this);
        const auto offer = rtc::parse_offer(offer_text);
        EXPECT_TRUE(offer.ok());
        rtc::SdpAnswer answer;
        answer.ice = {"srvU", "0123456789abcdefghijkl"};
        answer.fingerprint = identities().server.fingerprint();
        answer.role = rtc::answering_role(offer->setup);
        answer.candidates = {kServer};
        answer.receive = rtc::fits(offer->direction, true);
        answer.ssrc = 42;
        answer.stream_id = "stream";
        answer.cname = "server";
        answer_ = rtc::write_answer(*offer, answer);
        transport_.emplace(network_.now(), identities().server, answer.role, answer.ice, offer->ice,
                           offer->fingerprint);
    }
    ~ServerNode() override { network_.detach(*this); }

    [[nodiscard]] const std::string& answer() const { return answer_; }
    [[nodiscard]] const rtc::Transport& transport() const { return *transport_; }
    [[nodiscard]] std::uint64_t sent_to_strangers() const { return strangers_; }

    void close() {
        transport_->close(network_.now(), out_);
        flush();
    }
    void on_datagram(Time now, const Path& from, Bytes datagram) override {
        transport_->on_datagram(now, from, datagram, out_);
        flush();
    }
    void on_timeout(Time now) override {
        transport_->on_timeout(now, out_);
        flush();
    }
    [[nodiscard]] Time next_timeout() const override { return transport_->next_timeout(); }

private:
    void flush() {
        for (std::size_t i = 0; i < out_.size(); ++i) {
            const Endpoint& to = out_[i].path.remote;
            if (to != kPeer && to != kElsewhere) ++strangers_;
            network_.send(kServer, to, out_[i].bytes);
        }
        out_.clear();
    }

    FakeNetwork& network_;
    rtc::Outbox out_;
    std::string answer_;
    std::optional<rtc::Transport> transport_;
    std::uint64_t strangers_ = 0;
};

struct Call {
    explicit Call(std::uint32_t seed = 1, LinkConditions conditions = {}, RtcPeerConfig config = {})
        : network(seed, conditions),
          peer(network, identities().peer, at(config, seed)),
          server(network, peer.offer()) {}

    static RtcPeerConfig at(RtcPeerConfig config, std::uint32_t seed) {
        config.address = kPeer;
        config.seed = seed;
        return config;
    }
    [[nodiscard]] bool connected() const {
        return peer.state() == RtcPeer::State::Connected &&
               server.transport().state() == TransportState::Connected;
    }
    bool connect(Duration limit = 30s) {
        return peer.accept(server.answer()) &&
               network.run_until([this] { return connected(); }, limit);
    }

    FakeNetwork network;
    RtcPeer peer;
    ServerNode server;
};

TEST(TransportSim, ConnectsInThreeRoundTripsWithoutLoss) {
    Call call(1, {.delay = 10ms});
    ASSERT_TRUE(call.connect());
    // One for the check, two for the handshake.
    EXPECT_EQ(call.network.now() - FakeNetwork::kStart, 60ms);
    EXPECT_EQ(call.server.transport().path()->remote, kPeer);
}

TEST(TransportSim, ConnectsInEveryRole) {
    for (const auto setup :
         {rtc::SdpSetup::ActPass, rtc::SdpSetup::Active, rtc::SdpSetup::Passive}) {
        Call call(1, {}, {.setup = setup});
        EXPECT_TRUE(call.connect()) << static_cast<int>(setup);
    }
}

TEST(TransportSim, ConnectsThroughLossInBothRoles) {
    for (const auto setup : {rtc::SdpSetup::ActPass, rtc::SdpSetup::Passive}) {
        for (const double loss : {0.1, 0.3}) {
            for (std::uint32_t seed = 0; seed < 20; ++seed) {
                Call call(seed, {.delay = 20ms, .jitter = 30ms, .loss = loss, .duplicate = 0.1},
                          {.setup = setup});
                EXPECT_TRUE(call.connect()) << "loss " << loss << ", seed " << seed;
            }
        }
    }
}

TEST(TransportSim, RefusesAnotherCertificate) {
    Call call;
    RtcPeer stranger(call.network, identities().stranger,
                     {.address = kElsewhere, .publish = true, .seed = 1});
    // It knows the passwords, for it has the same seed, but not the key of the offer.
    ASSERT_TRUE(stranger.accept(call.server.answer()));
    EXPECT_TRUE(call.network.run_until(
        [&] { return call.server.transport().state() == TransportState::Failed; }, 5s));
    EXPECT_NE(stranger.state(), RtcPeer::State::Connected);
}

TEST(TransportSim, AWrongPasswordGetsNowhere) {
    Call call;
    std::string answer = call.server.answer();
    answer.replace(answer.find("0123456789"), 10, "9876543210");
    ASSERT_TRUE(call.peer.accept(answer));
    call.network.run_for(20s);
    EXPECT_EQ(call.peer.state(), RtcPeer::State::Failed);
    EXPECT_FALSE(call.server.transport().path());
    EXPECT_EQ(call.server.transport().state(), TransportState::Connecting);
    call.network.run_for(11s);
    EXPECT_EQ(call.server.transport().state(), TransportState::Failed)
        << "nobody valid came in time";
    EXPECT_EQ(call.server.transport().next_timeout(), kNever);
}

TEST(TransportSim, NoticesAPeerThatFallsSilent) {
    Call call;
    ASSERT_TRUE(call.connect());
    call.network.run_for(60s);
    ASSERT_TRUE(call.connected()) << "consent keeps it alive";
    call.peer.freeze();
    call.network.run_for(12s);
    EXPECT_EQ(call.server.transport().state(), TransportState::Connected);
    call.network.run_for(4s);
    EXPECT_EQ(call.server.transport().state(), TransportState::Failed);
}

TEST(TransportSim, ConsentSurvivesLoss) {
    Call call(5);
    ASSERT_TRUE(call.connect());
    call.network.set_conditions({.delay = 20ms, .loss = 0.3});
    call.network.run_for(300s);
    EXPECT_TRUE(call.connected());
}

TEST(TransportSim, FollowsAPeerToAnotherAddress) {
    Call call;
    ASSERT_TRUE(call.connect());
    call.peer.migrate(kElsewhere);
    call.network.run_for(1s);
    EXPECT_EQ(call.server.transport().path()->remote, kElsewhere);
    EXPECT_TRUE(call.connected());
    call.server.close();
    call.network.run_for(1s);
    EXPECT_EQ(call.peer.state(), RtcPeer::State::Closed) << "the goodbye went to the new address";
}

TEST(TransportSim, FollowsInTheMiddleOfTheHandshake) {
    Call call;
    ASSERT_TRUE(call.peer.accept(call.server.answer()));
    call.network.run_for(35ms);
    ASSERT_EQ(call.peer.state(), RtcPeer::State::Handshaking);
    call.peer.migrate(kElsewhere);
    EXPECT_TRUE(call.network.run_until([&] { return call.connected(); }, 5s));
}

TEST(TransportSim, GoodbyesAreHeardOnBothSides) {
    Call tab;
    ASSERT_TRUE(tab.connect());
    tab.peer.close();
    tab.network.run_for(1s);
    EXPECT_EQ(tab.server.transport().state(), TransportState::Closed);
    EXPECT_EQ(tab.server.transport().next_timeout(), kNever);

    Call stream;
    ASSERT_TRUE(stream.connect());
    stream.server.close();
    EXPECT_EQ(stream.server.transport().state(), TransportState::Closed);
    stream.network.run_for(1s);
    EXPECT_EQ(stream.peer.state(), RtcPeer::State::Closed);
}

TEST(TransportSim, GarbageFromStrangersChangesNothing) {
    Call call(3);
    std::mt19937 random(3);
    const Endpoint stranger{IpAddress::v4(203, 0, 113, 66), 666};
    const auto pester = [&] {
        for (std::size_t i = 0; i < 300; ++i) {
            std::vector<std::uint8_t> garbage(random() % 1400);
            for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
            if (!garbage.empty()) garbage[0] = std::array<std::uint8_t, 4>{0, 22, 128, 255}[i % 4];
            call.network.send(stranger, kServer, garbage);
        }
        call.network.run_for(10ms);
    };
    pester();
    ASSERT_TRUE(call.peer.accept(call.server.answer()));
    for (int i = 0; i < 5; ++i) pester();
    EXPECT_TRUE(call.network.run_until([&] { return call.connected(); }, 5s));
    pester();
    EXPECT_TRUE(call.connected());
    EXPECT_EQ(call.server.sent_to_strangers(), 0U);
}

TEST(TransportSim, MediaGoesThroughAsItWasSent) {
    Call call(9);
    ASSERT_TRUE(call.connect());
    const auto& keys = call.server.transport().keys();
    rtc::SrtpSender sender(keys.profile, keys.local);
    std::vector<std::uint8_t> packet(rtc::kRtpHeaderBytes + 3 + rtc::kMaxSrtpOverhead);
    rtc::RtpPacket header;
    header.payload_type = RtcPeer::kOpusPayloadType;
    header.sequence = 7;
    header.ssrc = 42;
    rtc::write_rtp_header(std::span(packet).first<rtc::kRtpHeaderBytes>(), header);
    packet[rtc::kRtpHeaderBytes] = 0xab;
    const auto size = sender.protect_rtp(packet, rtc::kRtpHeaderBytes + 3);
    ASSERT_TRUE(size.ok());
    int received = 0;
    call.peer.on_rtp = [&](Time, const rtc::RtpPacket& got) {
        ++received;
        EXPECT_EQ(got.sequence, 7);
        EXPECT_EQ(got.ssrc, 42U);
        ASSERT_EQ(got.payload.size(), 3U);
        EXPECT_EQ(got.payload[0], 0xab);
    };
    call.network.send(kServer, kPeer, Bytes(packet).first(*size));
    call.network.run_for(1s);
    EXPECT_EQ(received, 1);
}

}  // namespace
}  // namespace hushcast::sim
