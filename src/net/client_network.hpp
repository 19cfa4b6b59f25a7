// Whom a limit "per address" counts together.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/endpoint.hpp"

namespace hushcast::net {

/// An IPv4 address as it is; of an IPv6 address the /64, since one customer has all of it.
inline IpAddress client_network(IpAddress address) {
    if (!address.is_v4()) {
        std::fill(address.bytes.begin() + 8, address.bytes.end(), std::uint8_t{0});
    }
    return address;
}

}  // namespace hushcast::net
