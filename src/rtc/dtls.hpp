// DTLS 1.2 with the use_srtp extension (RFC 5764) through OpenSSL's memory BIOs: no socket, no
// clock.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "rtc/srtp.hpp"

namespace hushcast::rtc {

using Fingerprint = std::array<std::uint8_t, 32>;  ///< SHA-256 of a DER certificate

/// "AB:CD:…" as in `a=fingerprint:sha-256` (RFC 8122).
std::string to_string(const Fingerprint& fingerprint);
std::optional<Fingerprint> parse_fingerprint(std::string_view text);

/// A self-signed ECDSA P-256 certificate and the OpenSSL context around it; made once at start,
/// shared by every session, immutable.
class DtlsIdentity {
public:
    DtlsIdentity();
    ~DtlsIdentity();
    DtlsIdentity(const DtlsIdentity&) = delete;
    DtlsIdentity& operator=(const DtlsIdentity&) = delete;

    [[nodiscard]] const Fingerprint& fingerprint() const;

private:
    friend class DtlsSession;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

enum class DtlsRole { Client, Server };  ///< a=setup:active is the client
enum class DtlsState { Connecting, Connected, Closed, Failed };

/// One association. Flights it wants sent are appended to the vector of datagrams passed in.
/// Not thread-safe.
class DtlsSession {
public:
    using Flight = std::vector<std::vector<std::uint8_t>>;

    /// The path's round trip is known to be short once ICE has succeeded, so the first
    /// retransmission comes sooner than the second of RFC 6347 section 4.2.4.1; each wait doubles
    /// up to the longest.
    static constexpr std::chrono::milliseconds kFirstRetransmission{100};
    static constexpr std::chrono::milliseconds kLongestRetransmission{3200};
    static constexpr std::size_t kMaxRetransmissions = 10;  ///< of one flight; OpenSSL bears 12
    /// From start() to Connected; later the association has failed.
    static constexpr std::chrono::seconds kHandshakeTimeout{30};
    /// Largest datagram sent: fits IPv6's minimum MTU of 1280 with its headers and a tunnel's.
    static constexpr long kMtuBytes = 1200;

    DtlsSession(const DtlsIdentity& identity, DtlsRole role, const Fingerprint& remote);
    ~DtlsSession();
    DtlsSession(DtlsSession&&) noexcept;

    /// The client sends its first flight; the server waits. Datagrams before it are ignored.
    void start(Time now, Flight& out);
    void on_datagram(Time now, Bytes datagram, Flight& out);
    /// Retransmits the last flight, or gives up.
    void on_timeout(Time now, Flight& out);
    [[nodiscard]] Time next_timeout() const;

    [[nodiscard]] DtlsState state() const;
    /// Only when Connected: the peer's certificate matched the fingerprint and a profile was
    /// agreed.
    [[nodiscard]] const SrtpKeys& keys() const;
    /// Sends close_notify if there is anybody to tell; the state is Closed afterwards.
    void close(Flight& out);

private:
    friend class DtlsIdentity;  // its context calls back into sessions
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::rtc
