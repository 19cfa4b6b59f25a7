#include "net/socket_address.hpp"

#include <cstring>

#include <arpa/inet.h>

namespace hushcast::net {

in_addr native_v4(const IpAddress& address) {
    in_addr native{};
    std::memcpy(&native, address.bytes.data() + 12, sizeof native);
    return native;
}

IpAddress from_native(const in_addr& address) {
    std::array<std::uint8_t, 4> raw{};
    std::memcpy(raw.data(), &address, raw.size());
    return IpAddress::v4(raw[0], raw[1], raw[2], raw[3]);
}

IpAddress from_native(const in6_addr& address) {
    IpAddress ip;
    std::memcpy(ip.bytes.data(), &address, ip.bytes.size());
    return ip;
}

socklen_t to_native(const Endpoint& endpoint, int family, SocketAddress& native) {
    std::memset(&native, 0, sizeof native);
    if (family == AF_INET) {
        native.v4.sin_family = AF_INET;
        native.v4.sin_port = htons(endpoint.port);
        native.v4.sin_addr = native_v4(endpoint.ip);
        return sizeof native.v4;
    }
    native.v6.sin6_family = AF_INET6;
    native.v6.sin6_port = htons(endpoint.port);
    std::memcpy(&native.v6.sin6_addr, endpoint.ip.bytes.data(), endpoint.ip.bytes.size());
    return sizeof native.v6;
}

Endpoint from_native(const SocketAddress& native) {
    if (native.any.sa_family == AF_INET) {
        return {from_native(native.v4.sin_addr), ntohs(native.v4.sin_port)};
    }
    return {from_native(native.v6.sin6_addr), ntohs(native.v6.sin6_port)};
}

}  // namespace hushcast::net
