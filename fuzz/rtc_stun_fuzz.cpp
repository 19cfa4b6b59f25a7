// Any datagram as STUN: parsed, checked, answered; whatever is parsed lies inside the datagram.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "rtc/ice_lite.hpp"
#include "rtc/stun.hpp"

using hushcast::Bytes;
using hushcast::IpAddress;
using hushcast::Path;
namespace rtc = hushcast::rtc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes datagram(data, size);
    const rtc::IceCredentials local{"evtj", "VOkJxbRl1RmTxUk/WvJxBt"};
    const Path from{{IpAddress::v4(192, 0, 2, 7), 7}, IpAddress::v4(192, 0, 2, 1)};
    const auto message = rtc::parse_stun(datagram);
    if (message && message->integrity_offset > 0) {
        if (message->integrity_offset + 24 > size) std::abort();
    }

    rtc::IceLite agent({}, local, "h6vY");
    rtc::Outbox out;
    agent.on_datagram({}, from, datagram, out);
    const bool authentic = message && rtc::has_integrity(*message, local.password);
    if (out.size() > 1 || (agent.path() && !authentic)) std::abort();
    if (!out.empty() && !rtc::parse_stun(out[0].bytes)) std::abort();
    if (!out.empty() && !authentic && out[0].bytes.size() > size) std::abort();
    return 0;
}
