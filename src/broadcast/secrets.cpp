#include "broadcast/secrets.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include <sys/random.h>

namespace hushcast::broadcast {
namespace {

std::string random_ice_characters(std::size_t count) {
    // ice-char (RFC 8839 section 5.4); 64 of them, so that a byte's low bits choose evenly.
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 64> bytes{};
    fill_random(std::span(bytes).first(count));
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += kAlphabet[bytes[i] % kAlphabet.size()];
    return text;
}

}  // namespace

void fill_random(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        // Only a kernel without the call fails here, and it fails at the first use, at start-up.
        if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::uint32_t random_u32() {
    std::array<std::uint8_t, sizeof(std::uint32_t)> bytes{};
    fill_random(bytes);
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

std::string random_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    fill_random(bytes);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        text += kDigits[bytes[i] >> 4];
        text += kDigits[bytes[i] & 0x0f];
    }
    return text;
}

rtc::IceCredentials random_ice_credentials() {
    return {random_ice_characters(12), random_ice_characters(32)};
}

}  // namespace hushcast::broadcast
