#include <algorithm>
#include <memory>

#include <ifaddrs.h>
#include <net/if.h>

#include "net/socket_address.hpp"
#include "net/udp_port.hpp"

namespace hushcast::net {

namespace {

/// RFC 1918, RFC 6598 (carrier NAT) and RFC 4193 (unique local).
bool is_private(const IpAddress& ip) {
    const auto& b = ip.bytes;
    if (!ip.is_v4()) return (b[0] & 0xfe) == 0xfc;
    return b[12] == 10 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
           (b[12] == 192 && b[13] == 168) || (b[12] == 100 && (b[13] & 0xc0) == 64);
}

int rank(const IpAddress& ip) {
    if (ip.is_link_local()) return 2;
    return is_private(ip) ? 1 : 0;
}

}  // namespace

std::vector<IpAddress> local_addresses() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);

    std::vector<IpAddress> reachable;
    std::vector<IpAddress> loopback;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
        const int family = entry->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        SocketAddress native{};
        std::copy_n(reinterpret_cast<const char*>(entry->ifa_addr),
                    family == AF_INET ? sizeof native.v4 : sizeof native.v6,
                    reinterpret_cast<char*>(&native));
        const IpAddress ip = from_native(native).ip;
        (ip.is_loopback() ? loopback : reachable).push_back(ip);
    }
    if (reachable.empty()) return loopback;
    std::stable_sort(reachable.begin(), reachable.end(),
                     [](const IpAddress& a, const IpAddress& b) { return rank(a) < rank(b); });
    return reachable;
}

}  // namespace hushcast::net
