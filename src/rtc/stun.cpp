#include "rtc/stun.hpp"

#include <algorithm>
#include <cassert>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "rtc/rtp.hpp"

namespace hushcast::rtc {

namespace {

constexpr std::size_t kHeaderBytes = 20;
constexpr std::size_t kAttributeHeaderBytes = 4;
constexpr std::size_t kIntegrityBytes = 20;
constexpr std::size_t kFingerprintBytes = 4;
constexpr std::uint32_t kMagicCookie = 0x2112a442;
constexpr std::uint32_t kFingerprintXor = 0x5354554e;  // "STUN", RFC 8489 section 14.7
constexpr std::uint16_t kBindingRequest = 0x0001;
/// The two class bits of the message type, C1 and C0 (RFC 8489 section 5).
constexpr std::uint16_t kClassMask = 0x0110;
/// RFC 8489 section 14.3: fewer than 509 bytes; ICE allows two fragments of 256 characters and a
/// colon.
constexpr std::size_t kMaxUsernameBytes = 513;

// Attribute types: RFC 8489 section 18.3, RFC 8445 section 16.1.
constexpr std::uint16_t kMappedAddress = 0x0001;  ///< of old servers; known and not needed
constexpr std::uint16_t kUsername = 0x0006;
constexpr std::uint16_t kMessageIntegrity = 0x0008;
constexpr std::uint16_t kErrorCode = 0x0009;
constexpr std::uint16_t kUnknownAttributes = 0x000a;
constexpr std::uint16_t kRealm = 0x0014;
constexpr std::uint16_t kNonce = 0x0015;
constexpr std::uint16_t kXorMappedAddress = 0x0020;
constexpr std::uint16_t kPriority = 0x0024;
constexpr std::uint16_t kUseCandidate = 0x0025;
constexpr std::uint16_t kFingerprint = 0x8028;
constexpr std::uint16_t kIceControlled = 0x8029;
constexpr std::uint16_t kIceControlling = 0x802a;

constexpr bool comprehension_required(std::uint16_t type) { return type < 0x8000; }

constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
        table[i] = crc;
    }
    return table;
}
constexpr auto kCrcTable = make_crc_table();

std::uint32_t fingerprint_of(Bytes bytes) {
    std::uint32_t crc = 0xffffffff;
    for (const std::uint8_t byte : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ byte) & 0xff];
    return ~crc ^ kFingerprintXor;
}

/// HMAC-SHA1 over the message in front of MESSAGE-INTEGRITY, whose header length must already count
/// it.
std::array<std::uint8_t, kIntegrityBytes> integrity_of(Bytes message, std::string_view password) {
    std::array<std::uint8_t, kIntegrityBytes> digest{};
    HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()), message.data(),
         message.size(), digest.data(), nullptr);
    return digest;
}

std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<Endpoint> read_xor_address(Bytes value, const StunTransactionId& transaction) {
    ByteReader reader(value);
    reader.skip(1);
    const std::uint8_t family = reader.u8();
    Endpoint endpoint;
    endpoint.port = static_cast<std::uint16_t>(reader.u16() ^ (kMagicCookie >> 16));
    const Bytes address = reader.rest();
    if (family == 1 && address.size() == 4) {
        const std::uint32_t four = reader.u32() ^ kMagicCookie;
        endpoint.ip = IpAddress::v4(
            static_cast<std::uint8_t>(four >> 24), static_cast<std::uint8_t>(four >> 16),
            static_cast<std::uint8_t>(four >> 8), static_cast<std::uint8_t>(four));
        return endpoint;
    }
    if (family != 2 || address.size() != 16) return std::nullopt;
    for (std::size_t i = 0; i < 16; ++i) {
        const auto mask =
            i < 4 ? static_cast<std::uint8_t>(kMagicCookie >> (24 - 8 * i)) : transaction[i - 4];
        endpoint.ip.bytes[i] = address[i] ^ mask;
    }
    return endpoint;
}

/// Takes one attribute in front of the integrity; false makes the whole message malformed.
bool take_attribute(StunMessage& message, std::uint16_t type, Bytes value) {
    ByteReader reader(value);
    switch (type) {
        case kUsername:
            if (value.size() > kMaxUsernameBytes) return false;
            // Of attributes that come twice the first counts (RFC 8489 section 14).
            if (!message.username) message.username = as_text(value);
            return true;
        case kXorMappedAddress:
            if (!message.mapped_address) {
                message.mapped_address = read_xor_address(value, message.transaction);
            }
            return message.mapped_address.has_value();
        case kPriority: message.priority = reader.u32(); return reader.ok() && value.size() == 4;
        case kUseCandidate: message.use_candidate = true; return value.empty();
        case kIceControlled:
            message.controlled = reader.u64();
            return reader.ok() && value.size() == 8;
        case kIceControlling:
            message.controlling = reader.u64();
            return reader.ok() && value.size() == 8;
        case kErrorCode: {
            const std::uint32_t code = reader.u32();
            message.error_code = static_cast<std::uint16_t>((code >> 8 & 7) * 100 + (code & 0xff));
            return reader.ok();
        }
        case kMappedAddress:
        case kUnknownAttributes:
        case kRealm:
        case kNonce: return true;
        default:
            if (comprehension_required(type) && message.unknown_count < message.unknown.size()) {
                message.unknown[message.unknown_count++] = type;
            }
            return true;
    }
}

std::optional<StunClass> class_of(std::uint16_t type) {
    if ((type & ~kClassMask) != kBindingRequest) return std::nullopt;
    return static_cast<StunClass>((type >> 7 & 2) | (type >> 4 & 1));
}

}  // namespace

std::optional<StunMessage> parse_stun(Bytes datagram) {
    if (datagram.size() > kMaxDatagramBytes) return std::nullopt;
    ByteReader reader(datagram);
    const auto kind = class_of(reader.u16());
    const std::size_t length = reader.u16();
    const bool cookie = reader.u32() == kMagicCookie;
    const Bytes transaction = reader.bytes(12);
    if (!kind || !cookie || !reader.ok() || length != reader.remaining() || length % 4 != 0) {
        return std::nullopt;
    }
    StunMessage message;
    message.kind = *kind;
    message.datagram = datagram;
    std::copy(transaction.begin(), transaction.end(), message.transaction.begin());

    for (std::size_t count = 0; reader.remaining() > 0; ++count) {
        if (count == StunMessage::kMaxAttributes) return std::nullopt;
        const std::size_t offset = datagram.size() - reader.remaining();
        const std::uint16_t type = reader.u16();
        const std::size_t size = reader.u16();
        const Bytes value = reader.bytes(padded(size)).first(reader.ok() ? size : 0);
        if (!reader.ok()) return std::nullopt;
        if (type == kFingerprint) {
            if (size != kFingerprintBytes || reader.remaining() != 0) return std::nullopt;
            const std::uint32_t expected = fingerprint_of(datagram.first(offset));
            if (ByteReader(value).u32() != expected) return std::nullopt;
        } else if (message.integrity_offset != 0) {
            continue;
        } else if (type == kMessageIntegrity) {
            if (size != kIntegrityBytes) return std::nullopt;
            message.integrity_offset = offset;
        } else if (!take_attribute(message, type, value)) {
            return std::nullopt;
        }
    }
    return message;
}

bool has_integrity(const StunMessage& message, std::string_view password) {
    const std::size_t offset = message.integrity_offset;
    if (offset == 0) return false;
    // The length that was signed ends with MESSAGE-INTEGRITY, whatever follows it.
    std::array<std::uint8_t, kMaxDatagramBytes> copy{};
    const Bytes head = message.datagram.first(offset);
    std::copy(head.begin(), head.end(), copy.begin());
    ByteWriter length(MutableBytes(copy).subspan(2, 2));
    length.u16(static_cast<std::uint16_t>(offset + kAttributeHeaderBytes + kIntegrityBytes -
                                          kHeaderBytes));
    const auto digest = integrity_of(Bytes(copy).first(offset), password);
    const Bytes sent = message.datagram.subspan(offset + kAttributeHeaderBytes, kIntegrityBytes);
    return CRYPTO_memcmp(digest.data(), sent.data(), digest.size()) == 0;
}

/// Writes one message. Nothing it is given can overrun: the packet is sized for the longest user
/// name, and everything else has a fixed size.
class StunWriter {
public:
    StunWriter(StunClass kind, const StunTransactionId& transaction) : writer_(packet_.data_) {
        const auto bits = static_cast<unsigned>(kind);
        writer_.u16(
            static_cast<std::uint16_t>(kBindingRequest | (bits & 2) << 7 | (bits & 1) << 4));
        writer_.u16(0);
        writer_.u32(kMagicCookie);
        writer_.bytes(transaction);
    }

    void text(std::uint16_t type, std::string_view value) {
        begin(type, value.size());
        writer_.bytes({reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
        writer_.fill(0, padded(value.size()) - value.size());
    }
    void u32(std::uint16_t type, std::uint32_t value) {
        begin(type, 4);
        writer_.u32(value);
    }
    void u64(std::uint16_t type, std::uint64_t value) {
        begin(type, 8);
        writer_.u64(value);
    }
    void flag(std::uint16_t type) { begin(type, 0); }

    void xor_address(const Endpoint& endpoint, const StunTransactionId& transaction) {
        const bool v4 = endpoint.ip.is_v4();
        begin(kXorMappedAddress, v4 ? 8 : 20);
        writer_.u16(v4 ? 1 : 2);
        writer_.u16(static_cast<std::uint16_t>(endpoint.port ^ (kMagicCookie >> 16)));
        const Bytes address = Bytes(endpoint.ip.bytes).subspan(v4 ? 12 : 0);
        writer_.u32(ByteReader(address).u32() ^ kMagicCookie);
        for (std::size_t i = 4; i < address.size(); ++i) {
            writer_.u8(address[i] ^ transaction[i - 4]);
        }
    }

    void error(StunError code, std::string_view reason) {
        const auto number = static_cast<unsigned>(code);
        begin(kErrorCode, 4 + reason.size());
        writer_.u32(number / 100 << 8 | number % 100);
        writer_.bytes({reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size()});
        writer_.fill(' ', padded(reason.size()) - reason.size());
    }

    void unknown(std::span<const std::uint16_t> types) {
        begin(kUnknownAttributes, 2 * types.size());
        for (const std::uint16_t type : types) writer_.u16(type);
        writer_.fill(0, padded(2 * types.size()) - 2 * types.size());
    }

    /// Appends MESSAGE-INTEGRITY (unless the password is empty) and FINGERPRINT.
    StunPacket finish(std::string_view password) {
        if (!password.empty()) {
            set_length(kAttributeHeaderBytes + kIntegrityBytes);
            const auto digest = integrity_of(writer_.written(), password);
            begin(kMessageIntegrity, digest.size());
            writer_.bytes(digest);
        }
        set_length(kAttributeHeaderBytes + kFingerprintBytes);
        u32(kFingerprint, fingerprint_of(writer_.written()));
        assert(writer_.ok());
        packet_.size_ = writer_.size();
        return packet_;
    }

private:
    void begin(std::uint16_t type, std::size_t size) {
        writer_.u16(type);
        writer_.u16(static_cast<std::uint16_t>(size));
    }
    /// As integrity and fingerprint see it: counting themselves, and nothing behind.
    void set_length(std::size_t ahead) {
        ByteWriter length(MutableBytes(packet_.data_).subspan(2, 2));
        length.u16(static_cast<std::uint16_t>(writer_.size() + ahead - kHeaderBytes));
    }

    StunPacket packet_;
    ByteWriter writer_;
};

StunPacket write_check(const StunCheck& check) {
    StunWriter writer(StunClass::Request, check.transaction);
    writer.text(kUsername, check.username.substr(0, kMaxUsernameBytes));
    writer.u32(kPriority, check.priority);
    writer.u64(check.controlling ? kIceControlling : kIceControlled, check.tie_breaker);
    if (check.nominate) writer.flag(kUseCandidate);
    return writer.finish(check.password);
}

StunPacket write_success(const StunTransactionId& transaction,
                         const Endpoint& mapped,
                         std::string_view password) {
    StunWriter writer(StunClass::Success, transaction);
    writer.xor_address(mapped, transaction);
    return writer.finish(password);
}

StunPacket write_error(const StunTransactionId& transaction,
                       StunError error,
                       std::string_view password,
                       std::span<const std::uint16_t> unknown) {
    StunWriter writer(StunClass::Error, transaction);
    switch (error) {
        case StunError::BadRequest: writer.error(error, "Bad Request"); break;
        case StunError::Unauthenticated: writer.error(error, "Unauthenticated"); break;
        case StunError::UnknownAttribute: writer.error(error, "Unknown Attribute"); break;
        case StunError::RoleConflict: writer.error(error, "Role Conflict"); break;
    }
    if (!unknown.empty()) {
        writer.unknown(unknown.first(std::min(unknown.size(), StunMessage::kMaxUnknown)));
    }
    return writer.finish(password);
}

}  // namespace hushcast::rtc
