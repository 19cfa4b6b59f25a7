// A transport under fire: datagrams from several addresses, valid checks among them, and time that
// passes. Each step is a byte of kind and source, a byte of waiting, two of length, and the
// datagram.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "rtc/stun.hpp"
#include "rtc/transport.hpp"

namespace {

const hushcast::rtc::DtlsIdentity& identity() {
    static const hushcast::rtc::DtlsIdentity kIdentity;
    return kIdentity;
}

}  // namespace

using hushcast::Bytes;
using hushcast::IpAddress;
using hushcast::Path;
namespace rtc = hushcast::rtc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    hushcast::ByteReader reader(Bytes(data, size));
    const rtc::IceCredentials local{"serv", "0123456789abcdefghijkl"};
    hushcast::Time now{std::chrono::hours(1)};
    const auto role = (reader.u8() & 1) != 0 ? rtc::DtlsRole::Client : rtc::DtlsRole::Server;
    rtc::Transport transport(now, identity(), role, local, {"peer", local.password}, {});
    rtc::Outbox out;
    while (reader.remaining() > 0) {
        const std::uint8_t kind = reader.u8();
        now += std::chrono::milliseconds(100) * reader.u8();
        const Path from{{IpAddress::v4(192, 0, 2, kind & 7), 7}, IpAddress::v4(192, 0, 2, 100)};
        out.clear();
        if ((kind & 0x80) != 0) {
            const rtc::StunPacket check = rtc::write_check({.username = "serv:peer",
                                                            .password = local.password,
                                                            .nominate = (kind & 0x40) != 0});
            transport.on_datagram(now, from, check.bytes(), out);
        } else {
            const std::size_t length = reader.u16();
            const Bytes datagram = reader.bytes(std::min(length, reader.remaining()));
            transport.on_datagram(now, from, datagram, out);
        }
        if (transport.next_timeout() <= now) transport.on_timeout(now, out);
        // No certificate has this fingerprint, so no handshake may succeed.
        if (transport.state() == rtc::TransportState::Connected) std::abort();
        if (transport.next_timeout() <= now) std::abort();
        if (out.size() > 64) std::abort();
    }
    return 0;
}
