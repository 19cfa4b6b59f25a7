// The other side of a call, for simulations: a full, controlling ICE agent with one candidate, DTLS
// and SRTP, that makes an offer and reads the server's answer. It lives on a FakeNetwork.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "rtc/dtls.hpp"
#include "rtc/ice_lite.hpp"
#include "rtc/rtp.hpp"
#include "rtc/sdp.hpp"
#include "rtc/srtp.hpp"
#include "rtc/stun.hpp"
#include "sim/fake_network.hpp"

namespace hushcast::sim {

struct RtcPeerConfig {
    Endpoint address{};   ///< where it sits on the network
    bool publish = true;  ///< offers sendonly; a listener offers recvonly
    rtc::SdpSetup setup = rtc::SdpSetup::ActPass;
    std::uint32_t seed = 1;  ///< of its credentials, transaction ids and SSRC
};

class RtcPeer final : public Node {
public:
    static constexpr std::uint8_t kOpusPayloadType = 111;
    /// Checks before and after the nomination (RFC 8445 section 14, RFC 7675 section 5.1).
    static constexpr std::chrono::milliseconds kCheckInterval{50};
    static constexpr std::chrono::milliseconds kConsentInterval{2500};
    /// Without an answer to a check for so long, the server is gone.
    static constexpr std::chrono::seconds kConsentTimeout{15};

    enum class State { New, Checking, Handshaking, Connected, Closed, Failed };

    RtcPeer(FakeNetwork& network, const rtc::DtlsIdentity& identity, RtcPeerConfig config);
    ~RtcPeer() override;

    /// The offer of a browser that has not gathered any candidate.
    [[nodiscard]] std::string offer() const;
    /// Reads the answer and starts checking; false when the answer rejects the audio or cannot be
    /// understood.
    bool accept(std::string_view answer);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] std::uint32_t ssrc() const { return ssrc_; }
    [[nodiscard]] const Endpoint& address() const { return config_.address; }
    /// What the answer said about the SSRC it sends, when it sends.
    [[nodiscard]] std::optional<std::uint32_t> remote_ssrc() const { return remote_ssrc_; }
    /// Datagrams that were neither STUN, DTLS nor verified SRTP.
    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

    /// Set by the test before accept(): what arrives, decrypted, in order of arrival.
    std::function<void(Time, const rtc::RtpPacket&)> on_rtp;
    std::function<void(Time, Bytes)> on_rtcp;

    /// Sends one packet with our SSRC and payload type; false unless Connected.
    bool send_opus(std::uint16_t sequence, std::uint32_t timestamp, Bytes payload);
    /// Sends a plain compound packet; false unless Connected.
    bool send_rtcp(Bytes packet);

    /// Another address from now on, nominated by the next check: a phone that changes networks.
    void migrate(const Endpoint& address);
    /// Stops checking and answering, as a browser whose machine went to sleep; nothing is said.
    void freeze();
    /// Says close_notify, as a closed tab.
    void close();

    void on_datagram(Time now, const Path& from, Bytes datagram) override;
    void on_timeout(Time now) override;
    [[nodiscard]] Time next_timeout() const override;

private:
    void send_check(Time now);
    void on_stun(Time now, Bytes datagram);
    void send(Bytes datagram);
    void flush(const rtc::DtlsSession::Flight& flight);
    void update();

    FakeNetwork& network_;
    const rtc::DtlsIdentity& identity_;
    RtcPeerConfig config_;
    std::mt19937 random_;
    rtc::IceCredentials local_;
    rtc::IceCredentials remote_;
    Endpoint server_;
    std::uint32_t ssrc_;
    std::optional<std::uint32_t> remote_ssrc_;

    State state_ = State::New;
    bool frozen_ = false;
    Time next_check_ = kNever;
    Time last_answer_{};
    rtc::StunTransactionId transaction_{};
    rtc::DtlsRole role_ = rtc::DtlsRole::Client;
    std::optional<rtc::DtlsSession> dtls_;
    std::optional<rtc::SrtpSender> sender_;
    std::optional<rtc::SrtpReceiver> receiver_;
    std::uint64_t dropped_ = 0;
};

}  // namespace hushcast::sim
