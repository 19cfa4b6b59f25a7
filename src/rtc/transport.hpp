// One peer's path to us: ICE-lite below, DTLS above, SRTP keys as the result. A state machine
// without I/O: datagrams and time go in, datagrams come out, state() is asked afterwards.
#pragma once

#include <memory>
#include <optional>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "rtc/dtls.hpp"
#include "rtc/ice_lite.hpp"
#include "rtc/outbox.hpp"

namespace hushcast::rtc {

/// What a datagram is: by its first byte (RFC 7983), RTCP from RTP by its second (RFC 5761).
/// Unknown also when it is too short for the header of its kind.
enum class PacketKind { Stun, Dtls, Rtp, Rtcp, Unknown };
PacketKind classify(Bytes datagram);

enum class TransportState {
    Connecting,  ///< waiting for checks, or shaking hands
    Connected,   ///< keys() and path() are valid
    Closed,      ///< the peer said close_notify, or close() was called
    Failed,      ///< timed out (consent or handshake) or the handshake failed
};

class Transport {
public:
    Transport(Time now,
              const DtlsIdentity& identity,
              DtlsRole role,
              IceCredentials local,
              const IceCredentials& remote,
              const Fingerprint& remote_fingerprint);

    /// STUN and DTLS only; RTP and RTCP go to whoever holds the SRTP contexts. DTLS is taken only
    /// from a path over which an authentic check came.
    void on_datagram(Time now, const Path& from, Bytes datagram, Outbox& out);
    void on_timeout(Time now, Outbox& out);
    [[nodiscard]] Time next_timeout() const;

    [[nodiscard]] TransportState state() const { return state_; }
    [[nodiscard]] const std::optional<Path>& path() const { return ice_.path(); }
    [[nodiscard]] const SrtpKeys& keys() const { return dtls_.keys(); }

    /// Says close_notify to the peer; the state is Closed afterwards.
    void close(Time now, Outbox& out);

private:
    void flush(Outbox& out);
    void update(Time now);

    IceLite ice_;
    DtlsSession dtls_;
    DtlsSession::Flight flight_;  ///< empty between calls; kept for its memory
    bool started_ = false;        ///< the handshake may begin: a path is valid
    TransportState state_ = TransportState::Connecting;
};

}  // namespace hushcast::rtc
