// STUN binding messages (RFC 8489) with the attributes of ICE (RFC 8445): reading and writing. Only
// what connectivity checks need: short-term credentials with HMAC-SHA1, one method.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"

namespace hushcast::rtc {

using StunTransactionId = std::array<std::uint8_t, 12>;

enum class StunClass : std::uint8_t { Request, Indication, Success, Error };

/// Error codes we answer with (RFC 8489 section 14.8, RFC 8445 section 7.3.1.1).
enum class StunError : std::uint16_t {
    BadRequest = 400,
    Unauthenticated = 401,
    UnknownAttribute = 420,
    RoleConflict = 487,
};

/// A parsed binding message; the views point into the datagram. Attributes behind MESSAGE-INTEGRITY
/// are not read (RFC 8489 section 14.5): nobody vouches for them.
struct StunMessage {
    /// More attributes make the message malformed: a check has about ten.
    static constexpr std::size_t kMaxAttributes = 32;
    /// A 420 response names at most so many.
    static constexpr std::size_t kMaxUnknown = 8;

    StunClass kind = StunClass::Request;
    StunTransactionId transaction{};
    std::optional<std::string_view> username;
    std::optional<Endpoint> mapped_address;  ///< XOR-MAPPED-ADDRESS
    std::optional<std::uint32_t> priority;
    std::optional<std::uint64_t> controlling;  ///< ICE-CONTROLLING: the sender's tie-breaker
    std::optional<std::uint64_t> controlled;   ///< ICE-CONTROLLED
    std::optional<std::uint16_t> error_code;
    bool use_candidate = false;
    /// Comprehension-required attributes that we do not know.
    std::array<std::uint16_t, kMaxUnknown> unknown{};
    std::size_t unknown_count = 0;

    Bytes datagram;
    /// Where MESSAGE-INTEGRITY begins; 0 when there is none.
    std::size_t integrity_offset = 0;

    [[nodiscard]] std::span<const std::uint16_t> unknown_attributes() const {
        return std::span(unknown).first(unknown_count);
    }
};

/// Nothing when the datagram is no well-formed binding message, or its FINGERPRINT is wrong. A
/// missing FINGERPRINT is accepted: on our port the first byte already tells STUN apart (RFC 7983).
std::optional<StunMessage> parse_stun(Bytes datagram);

/// Whether MESSAGE-INTEGRITY is there and made with this password. In constant time.
bool has_integrity(const StunMessage& message, std::string_view password);

/// A message of ours in a buffer of its own.
class StunPacket {
public:
    [[nodiscard]] Bytes bytes() const { return Bytes(data_).first(size_); }

private:
    friend class StunWriter;
    /// Two user fragments of 256 characters with their colon, and 128 bytes for everything else.
    std::array<std::uint8_t, 20 + 4 + 516 + 128> data_{};
    std::size_t size_ = 0;
};

/// A connectivity check of a controlling agent.
struct StunCheck {
    StunTransactionId transaction{};
    std::string_view username;  ///< "<their ufrag>:<our ufrag>", at most 513 characters
    std::string_view password;  ///< theirs
    std::uint32_t priority = 0;
    std::uint64_t tie_breaker = 0;
    bool controlling = true;
    bool nominate = false;  ///< USE-CANDIDATE
};

StunPacket write_check(const StunCheck& check);
/// The success response to a binding request that came from `mapped`.
StunPacket write_success(const StunTransactionId& transaction,
                         const Endpoint& mapped,
                         std::string_view password);
/// @param password  empty where the request was not authenticated: the response then has no
/// integrity
/// @param unknown   for UnknownAttribute
StunPacket write_error(const StunTransactionId& transaction,
                       StunError error,
                       std::string_view password,
                       std::span<const std::uint16_t> unknown = {});

}  // namespace hushcast::rtc
