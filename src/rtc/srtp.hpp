// SRTP and SRTCP (RFC 3711, RFC 7714) on OpenSSL's EVP: key derivation, protection, replay windows.
// Contexts are made once and kept, which is what makes them cheap per packet (docs/transport.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace hushcast::rtc {

enum class SrtpProfile : std::uint16_t {  // values of RFC 5764 section 4.1.2 and RFC 7714
                                          // section 14.2
    AesCm128HmacSha1_80 = 0x0001,  // NOLINT(readability-identifier-naming): its registered name
    AeadAes128Gcm = 0x0007,
};

/// Master key and salt of one direction. CM uses 14 bytes of salt, GCM the first 12.
struct SrtpMasterKey {
    std::array<std::uint8_t, 16> key{};
    std::array<std::uint8_t, 14> salt{};
};

/// What the DTLS handshake exports (RFC 5764 section 4.2), seen from our side.
struct SrtpKeys {
    SrtpProfile profile = SrtpProfile::AeadAes128Gcm;
    SrtpMasterKey local;   ///< protects what we send
    SrtpMasterKey remote;  ///< protects what we receive
};

enum class SrtpError {
    Malformed,       ///< too short, or no RTP/RTCP header
    Unauthentic,     ///< the tag does not verify
    Replayed,        ///< seen before, or older than the replay window
    TooManySources,  ///< more SSRCs than one peer may use
    NoSpace,         ///< the buffer cannot hold the tag, or 2^31 RTCP packets used the key up
};

/// Bytes that protection may add at most: GCM tag 16, SRTCP index 4 (CM: 10 and 4).
inline constexpr std::size_t kMaxSrtpOverhead = 20;

/// Protects what one peer is sent. Not thread-safe.
class SrtpSender {
public:
    static constexpr std::size_t kMaxSources =
        8;  ///< SSRCs we send to one peer; a listener needs one

    SrtpSender(SrtpProfile profile, const SrtpMasterKey& key);
    ~SrtpSender();
    SrtpSender(SrtpSender&&) noexcept;
    SrtpSender& operator=(SrtpSender&&) noexcept;

    /// In place: the first `size` bytes of `buffer` are the packet; gives the protected size.
    /// Sequence numbers must be sent in order (each at most 2^15 after the last) per SSRC. A packet
    /// may be sent again (NACK), but then with the same bytes: other bytes under the same number
    /// would give the key stream away.
    Result<std::size_t, SrtpError> protect_rtp(MutableBytes buffer, std::size_t size);
    Result<std::size_t, SrtpError> protect_rtcp(MutableBytes buffer, std::size_t size);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Opens what one peer sends. Holds at most kMaxSources SSRCs; an SSRC gets state only after a
/// packet of it has verified. Not thread-safe.
class SrtpReceiver {
public:
    static constexpr std::size_t kMaxSources = 8;

    SrtpReceiver(SrtpProfile profile, const SrtpMasterKey& key);
    ~SrtpReceiver();
    SrtpReceiver(SrtpReceiver&&) noexcept;
    SrtpReceiver& operator=(SrtpReceiver&&) noexcept;

    /// In place; gives the size of the plain packet at the front of `packet`. After an error the
    /// bytes of `packet` are unspecified.
    Result<std::size_t, SrtpError> unprotect_rtp(MutableBytes packet);
    Result<std::size_t, SrtpError> unprotect_rtcp(MutableBytes packet);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::rtc
