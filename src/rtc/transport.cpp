#include "rtc/transport.hpp"

#include <algorithm>
#include <utility>

namespace hushcast::rtc {

PacketKind classify(Bytes datagram) {
    const std::size_t size = datagram.size();
    if (size < 2) return PacketKind::Unknown;
    const std::uint8_t first = datagram[0];
    if (first <= 3) return size >= 20 ? PacketKind::Stun : PacketKind::Unknown;
    if (first >= 20 && first <= 63) return size >= 13 ? PacketKind::Dtls : PacketKind::Unknown;
    if (first < 128 || first > 191) return PacketKind::Unknown;
    // RTCP's packet types 192 to 223 are RTP's marker bit and payload types 64 to 95, which
    // a=rtcp-mux forbids (RFC 5761 section 4).
    const bool rtcp = datagram[1] >= 192 && datagram[1] <= 223;
    if (rtcp) return size >= 8 ? PacketKind::Rtcp : PacketKind::Unknown;
    return size >= 12 ? PacketKind::Rtp : PacketKind::Unknown;
}

Transport::Transport(Time now,
                     const DtlsIdentity& identity,
                     DtlsRole role,
                     IceCredentials local,
                     const IceCredentials& remote,
                     const Fingerprint& remote_fingerprint)
    : ice_(now, std::move(local), remote.ufrag), dtls_(identity, role, remote_fingerprint) {}

void Transport::on_datagram(Time now, const Path& from, Bytes datagram, Outbox& out) {
    update(now);
    if (state_ == TransportState::Closed || state_ == TransportState::Failed) return;
    switch (classify(datagram)) {
        case PacketKind::Stun:
            ice_.on_datagram(now, from, datagram, out);
            if (!started_ && ice_.path()) {
                started_ = true;
                dtls_.start(now, flight_);
            }
            break;
        case PacketKind::Dtls:
            if (!ice_.is_valid(from)) return;
            dtls_.on_datagram(now, datagram, flight_);
            break;
        case PacketKind::Rtp:
        case PacketKind::Rtcp:
        case PacketKind::Unknown: return;
    }
    flush(out);
    update(now);
}

void Transport::on_timeout(Time now, Outbox& out) {
    update(now);
    if (state_ == TransportState::Closed || state_ == TransportState::Failed) return;
    dtls_.on_timeout(now, flight_);
    flush(out);
    update(now);
}

Time Transport::next_timeout() const {
    if (state_ == TransportState::Closed || state_ == TransportState::Failed) return kNever;
    return std::min(ice_.expires_at(), dtls_.next_timeout());
}

void Transport::close(Time now, Outbox& out) {
    update(now);
    if (state_ == TransportState::Closed || state_ == TransportState::Failed) return;
    dtls_.close(flight_);
    flush(out);
    state_ = TransportState::Closed;
}

void Transport::flush(Outbox& out) {
    // Without a path the handshake has not begun, so there is nothing to lose.
    if (ice_.path()) {
        for (const auto& datagram : flight_) out.send(*ice_.path(), datagram);
    }
    flight_.clear();
}

void Transport::update(Time now) {
    if (state_ == TransportState::Closed || state_ == TransportState::Failed) return;
    switch (dtls_.state()) {
        case DtlsState::Connecting: break;
        case DtlsState::Connected: state_ = TransportState::Connected; break;
        case DtlsState::Closed: state_ = TransportState::Closed; return;
        case DtlsState::Failed: state_ = TransportState::Failed; return;
    }
    if (now >= ice_.expires_at()) state_ = TransportState::Failed;
}

}  // namespace hushcast::rtc
