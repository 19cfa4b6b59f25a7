// Datagrams that a peer may send before and after the handshake. The first byte chooses our role
// and how far the handshake has come; then each datagram is two bytes of length and its bytes.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "rtc/dtls.hpp"

namespace {

using hushcast::Bytes;
using hushcast::rtc::DtlsIdentity;
using hushcast::rtc::DtlsRole;
using hushcast::rtc::DtlsSession;
using hushcast::rtc::DtlsState;

constexpr hushcast::Time kNow{std::chrono::hours(1)};

const DtlsIdentity& identity() {
    static const DtlsIdentity kIdentity;
    return kIdentity;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    hushcast::ByteReader reader(Bytes(data, size));
    const std::uint8_t choice = reader.u8();
    const bool client = (choice & 1) != 0;
    DtlsSession ours(identity(), client ? DtlsRole::Client : DtlsRole::Server,
                     identity().fingerprint());
    DtlsSession peer(identity(), client ? DtlsRole::Server : DtlsRole::Client,
                     identity().fingerprint());
    DtlsSession::Flight to_peer;
    DtlsSession::Flight to_us;
    ours.start(kNow, to_peer);
    peer.start(kNow, to_us);
    for (int round = 0; round < (choice >> 1 & 3); ++round) {
        DtlsSession::Flight flight;
        flight.swap(to_us);
        for (const auto& datagram : flight) ours.on_datagram(kNow, datagram, to_peer);
        flight.clear();
        flight.swap(to_peer);
        for (const auto& datagram : flight) peer.on_datagram(kNow, datagram, to_us);
    }
    const bool was_connected = ours.state() == DtlsState::Connected;
    while (reader.remaining() > 0) {
        const std::size_t length = reader.u16();
        const Bytes datagram = reader.bytes(std::min(length, reader.remaining()));
        DtlsSession::Flight reply;
        ours.on_datagram(kNow, datagram, reply);
        for (const auto& sent : reply) {
            constexpr auto kMtu = static_cast<std::size_t>(DtlsSession::kMtuBytes);
            if (sent.empty() || sent.size() > kMtu) std::abort();
        }
    }
    // Nobody can invent the peer's certificate or, once connected, its records.
    const bool is_connected = ours.state() == DtlsState::Connected;
    if (is_connected != was_connected) std::abort();
    return 0;
}
