#include "base/endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace hushcast {

namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

}  // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    // The longest textual address is 45 characters (INET6_ADDRSTRLEN - 1).
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
    std::copy(text.begin(), text.end(), terminated.begin());
    in_addr four{};
    if (inet_pton(AF_INET, terminated.data(), &four) == 1) {
        IpAddress address;
        std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes.begin());
        std::memcpy(address.bytes.data() + kV4Prefix.size(), &four, sizeof four);
        return address;
    }
    IpAddress address;
    if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) == 1) return address;
    return std::nullopt;
}

bool IpAddress::is_v4() const {
    return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

bool IpAddress::is_loopback() const {
    if (is_v4()) return bytes[12] == 127;
    IpAddress loopback;
    loopback.bytes[15] = 1;
    return *this == loopback;
}

bool IpAddress::is_link_local() const {
    if (is_v4()) return bytes[12] == 169 && bytes[13] == 254;
    return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

bool IpAddress::is_unspecified() const { return *this == IpAddress{} || *this == v4(0, 0, 0, 0); }

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = is_v4() ? AF_INET : AF_INET6;
    const void* source = is_v4() ? bytes.data() + kV4Prefix.size() : bytes.data();
    return inet_ntop(family, source, text.data(), text.size());
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto ip = IpAddress::parse(host);
    const auto port = parse_port(text.substr(colon + 1));
    if (!ip || !port || bracketed == ip->is_v4()) return std::nullopt;
    return Endpoint{*ip, *port};
}

std::string Endpoint::to_string() const {
    const std::string host = ip.is_v4() ? ip.to_string() : '[' + ip.to_string() + ']';
    return host + ':' + std::to_string(port);
}

}  // namespace hushcast

std::size_t std::hash<hushcast::Endpoint>::operator()(
    const hushcast::Endpoint& endpoint) const noexcept {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::memcpy(&high, endpoint.ip.bytes.data(), 8);
    std::memcpy(&low, endpoint.ip.bytes.data() + 8, 8);
    // A multiplicative mix; the table behind it is bounded, so nothing stronger is needed.
    std::uint64_t mixed = (high ^ endpoint.port) * 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 32) ^ low) * 0xd6e8feb86659fd93U;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}
