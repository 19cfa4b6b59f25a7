// Names and passwords that must not be guessed, from the kernel's random source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "rtc/ice_lite.hpp"

namespace hushcast::broadcast {

void fill_random(std::span<std::uint8_t> out);
std::uint32_t random_u32();

/// RFC 9562 version 4: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
std::string random_uuid();

/// Each character carries 6 bits: 12 of them for the user name, which only has to be unique, and
/// 32 for the password (RFC 8445 section 5.3 asks for 24 and 128 bits at least).
rtc::IceCredentials random_ice_credentials();

}  // namespace hushcast::broadcast
