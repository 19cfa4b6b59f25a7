#include "sim/rtc_peer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "rtc/transport.hpp"

namespace hushcast::sim {

using rtc::DtlsIdentity;
using rtc::DtlsRole;
using rtc::DtlsSession;
using rtc::DtlsState;
using rtc::kMaxSrtpOverhead;
using rtc::kRtpHeaderBytes;
using rtc::PacketKind;
using rtc::RtpPacket;
using rtc::SdpSetup;
using rtc::StunCheck;
using rtc::StunClass;

namespace {

constexpr std::uint32_t kHostPriority = 126U << 24 | 65'535U << 8 | 255U;

std::string random_text(std::mt19937& random, std::size_t size) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    while (text.size() < size) text += kLetters[random() % kLetters.size()];
    return text;
}

/// The rest of the first line that begins with `start`, of an answer whose lines end with CRLF.
std::optional<std::string_view> find_line(std::string_view sdp, std::string_view start) {
    for (std::size_t at = 0; at < sdp.size();) {
        const std::size_t end = std::min(sdp.find("\r\n", at), sdp.size());
        const std::string_view line = sdp.substr(at, end - at);
        if (line.starts_with(start)) return line.substr(start.size());
        at = end + 2;
    }
    return std::nullopt;
}

/// The `index`th word of a line.
std::string_view word(std::string_view line, std::size_t index) {
    for (; index > 0; --index) line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
    return line.substr(0, line.find(' '));
}

}  // namespace

RtcPeer::RtcPeer(FakeNetwork& network, const DtlsIdentity& identity, RtcPeerConfig config)
    : network_(network),
      identity_(identity),
      config_(config),
      random_(config.seed),
      local_{random_text(random_, 4), random_text(random_, 24)},
      ssrc_(static_cast<std::uint32_t>(random_())) {
    network_.attach(config_.address, *this);
}

RtcPeer::~RtcPeer() { network_.detach(*this); }

std::string RtcPeer::offer() const {
    const std::string type = std::to_string(kOpusPayloadType);
    std::string_view setup = "actpass";
    if (config_.setup == SdpSetup::Active) setup = "active";
    if (config_.setup == SdpSetup::Passive) setup = "passive";
    std::string sdp =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF " +
        type +
        "\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\n"
        "a=rtcp-rsize\r\na=rtpmap:" +
        type +
        " opus/48000/2\r\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
    sdp += config_.publish ? "a=sendonly\r\n" : "a=recvonly\r\n";
    sdp += "a=ice-ufrag:" + local_.ufrag + "\r\na=ice-pwd:" + local_.password + "\r\n";
    sdp += "a=fingerprint:sha-256 " + rtc::to_string(identity_.fingerprint()) + "\r\n";
    sdp.append("a=setup:").append(setup).append("\r\n");
    if (config_.publish) sdp += "a=ssrc:" + std::to_string(ssrc_) + " cname:peer\r\n";
    return sdp;
}

bool RtcPeer::accept(std::string_view answer) {
    const auto ufrag = find_line(answer, "a=ice-ufrag:");
    const auto password = find_line(answer, "a=ice-pwd:");
    const auto fingerprint = find_line(answer, "a=fingerprint:sha-256 ");
    const auto setup = find_line(answer, "a=setup:");
    const auto candidate = find_line(answer, "a=candidate:");
    const auto media = find_line(answer, "m=audio ");
    if (!ufrag || !password || !fingerprint || !setup || !candidate || !media) return false;
    const auto expected = rtc::parse_fingerprint(*fingerprint);
    const auto ip = IpAddress::parse(word(*candidate, 4));
    if (!expected || !ip || word(*media, 0) == "0") return false;
    server_ = {*ip, static_cast<std::uint16_t>(std::stoi(std::string(word(*candidate, 5))))};
    remote_ = {std::string(*ufrag), std::string(*password)};
    if (const auto ssrc = find_line(answer, "a=ssrc:")) {
        remote_ssrc_ = static_cast<std::uint32_t>(std::stoul(std::string(word(*ssrc, 0))));
    }
    role_ = *setup == "active" ? DtlsRole::Server : DtlsRole::Client;
    dtls_.emplace(identity_, role_, *expected);
    state_ = State::Checking;
    next_check_ = network_.now();
    last_answer_ = network_.now();
    return true;
}

bool RtcPeer::send_opus(std::uint16_t sequence, std::uint32_t timestamp, Bytes payload) {
    if (state_ != State::Connected || frozen_) return false;
    RtpPacket header;
    header.payload_type = kOpusPayloadType;
    header.sequence = sequence;
    header.timestamp = timestamp;
    header.ssrc = ssrc_;
    std::vector<std::uint8_t> packet(kRtpHeaderBytes + payload.size() + kMaxSrtpOverhead);
    rtc::write_rtp_header(std::span(packet).first<kRtpHeaderBytes>(), header);
    std::copy(payload.begin(), payload.end(), packet.begin() + kRtpHeaderBytes);
    const auto size = sender_->protect_rtp(packet, kRtpHeaderBytes + payload.size());
    if (!size) return false;
    send(Bytes(packet).first(*size));
    return true;
}

bool RtcPeer::send_rtcp(Bytes packet) {
    if (state_ != State::Connected || frozen_) return false;
    std::vector<std::uint8_t> buffer(packet.begin(), packet.end());
    buffer.resize(packet.size() + kMaxSrtpOverhead);
    const auto size = sender_->protect_rtcp(buffer, packet.size());
    if (!size) return false;
    send(Bytes(buffer).first(*size));
    return true;
}

void RtcPeer::migrate(const Endpoint& address) {
    network_.detach(*this);
    config_.address = address;
    network_.attach(address, *this);
    if (next_check_ != kNever) next_check_ = network_.now();
}

void RtcPeer::freeze() { frozen_ = true; }

void RtcPeer::close() {
    if (!dtls_ || frozen_) return;
    DtlsSession::Flight flight;
    dtls_->close(flight);
    flush(flight);
    update();
}

void RtcPeer::on_datagram(Time now, const Path& /*from*/, Bytes datagram) {
    if (frozen_ || !dtls_) return;
    switch (rtc::classify(datagram)) {
        case PacketKind::Stun: return on_stun(now, datagram);
        case PacketKind::Dtls: {
            DtlsSession::Flight flight;
            dtls_->on_datagram(now, datagram, flight);
            flush(flight);
            return update();
        }
        case PacketKind::Rtp:
        case PacketKind::Rtcp: {
            const bool rtcp = rtc::classify(datagram) == PacketKind::Rtcp;
            std::vector<std::uint8_t> packet(datagram.begin(), datagram.end());
            if (!receiver_) break;
            const auto size =
                rtcp ? receiver_->unprotect_rtcp(packet) : receiver_->unprotect_rtp(packet);
            if (!size) break;
            const Bytes plain = Bytes(packet).first(*size);
            if (rtcp) {
                if (on_rtcp) on_rtcp(now, plain);
                return;
            }
            const auto parsed = rtc::parse_rtp(plain);
            if (!parsed) break;
            if (on_rtp) on_rtp(now, *parsed);
            return;
        }
        case PacketKind::Unknown: break;
    }
    ++dropped_;
}

void RtcPeer::on_timeout(Time now) {
    if (frozen_ || !dtls_) return;
    if (now >= next_check_) send_check(now);
    if (dtls_->next_timeout() <= now) {
        DtlsSession::Flight flight;
        dtls_->on_timeout(now, flight);
        flush(flight);
    }
    update();
    const bool over = state_ == State::Closed || state_ == State::Failed;
    if (!over && now - last_answer_ >= kConsentTimeout) state_ = State::Failed;
    if (state_ == State::Closed || state_ == State::Failed) next_check_ = kNever;
}

Time RtcPeer::next_timeout() const {
    if (frozen_ || !dtls_) return kNever;
    return std::min(next_check_, dtls_->next_timeout());
}

void RtcPeer::send_check(Time now) {
    for (auto& byte : transaction_) byte = static_cast<std::uint8_t>(random_());
    const std::string username = remote_.ufrag + ':' + local_.ufrag;
    const StunCheck check{.transaction = transaction_,
                          .username = username,
                          .password = remote_.password,
                          .priority = kHostPriority,
                          .tie_breaker = config_.seed,
                          .nominate = true};
    send(rtc::write_check(check).bytes());
    // As long as checks go unanswered they come in quick succession, as after a change of address.
    const bool answered = state_ != State::Checking && now - last_answer_ < kConsentInterval;
    next_check_ = now + (answered ? Duration(kConsentInterval) : Duration(kCheckInterval));
}

void RtcPeer::on_stun(Time now, Bytes datagram) {
    const auto message = rtc::parse_stun(datagram);
    if (!message || message->kind != StunClass::Success || message->transaction != transaction_ ||
        !rtc::has_integrity(*message, remote_.password)) {
        ++dropped_;
        return;
    }
    last_answer_ = now;
    next_check_ = now + kConsentInterval;
    if (state_ != State::Checking) return;
    state_ = State::Handshaking;
    DtlsSession::Flight flight;
    dtls_->start(now, flight);
    flush(flight);
}

void RtcPeer::send(Bytes datagram) { network_.send(config_.address, server_, datagram); }

void RtcPeer::flush(const DtlsSession::Flight& flight) {
    for (const auto& datagram : flight) send(datagram);
}

void RtcPeer::update() {
    switch (dtls_->state()) {
        case DtlsState::Connecting: return;
        case DtlsState::Closed: state_ = State::Closed; return;
        case DtlsState::Failed: state_ = State::Failed; return;
        case DtlsState::Connected: break;
    }
    if (state_ != State::Handshaking) return;
    state_ = State::Connected;
    sender_.emplace(dtls_->keys().profile, dtls_->keys().local);
    receiver_.emplace(dtls_->keys().profile, dtls_->keys().remote);
}

}  // namespace hushcast::sim
