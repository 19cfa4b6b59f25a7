// Network addresses as values, without a socket API.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace hushcast {

/// An IPv6 address, or an IPv4 address in its v4-mapped form (::ffff:a.b.c.d). All zero:
/// unspecified.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
    /// Reads "192.0.2.1" or "2001:db8::1" (no brackets, no zone); nothing else.
    static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_link_local() const;
    [[nodiscard]] bool is_unspecified() const;  ///< :: or 0.0.0.0
    [[nodiscard]] std::string to_string() const;

    // NOLINTNEXTLINE(modernize-use-nullptr): it sees the compiler's own comparison with 0
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct Endpoint {
    IpAddress ip;
    std::uint16_t port = 0;

    /// Reads "192.0.2.1:8000" or "[2001:db8::1]:8000".
    static std::optional<Endpoint> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    // NOLINTNEXTLINE(modernize-use-nullptr): it sees the compiler's own comparison with 0
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// Where a datagram came from and which of our addresses it arrived at; a reply takes the same path
/// back. An unspecified local address lets the kernel choose.
struct Path {
    Endpoint remote;
    IpAddress local;

    // NOLINTNEXTLINE(modernize-use-nullptr): it sees the compiler's own comparison with 0
    friend auto operator<=>(const Path&, const Path&) = default;
};

}  // namespace hushcast

template <>
struct std::hash<hushcast::Endpoint> {
    std::size_t operator()(const hushcast::Endpoint& endpoint) const noexcept;
};
