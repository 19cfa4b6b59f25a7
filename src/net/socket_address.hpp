// Our endpoints as the kernel's socket addresses; for the .cpp files of this folder alone.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/endpoint.hpp"

namespace hushcast::net {

/// Large enough for both families, without the 128 bytes of sockaddr_storage.
union SocketAddress {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

/// An IPv4 address in an AF_INET6 socket keeps its v4-mapped form.
/// @return  the length to give to the kernel.
socklen_t to_native(const Endpoint& endpoint, int family, SocketAddress& native);
Endpoint from_native(const SocketAddress& native);

in_addr native_v4(const IpAddress& address);
IpAddress from_native(const in_addr& address);
IpAddress from_native(const in6_addr& address);

}  // namespace hushcast::net
