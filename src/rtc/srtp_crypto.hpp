// The ciphers under SRTP and SRTCP, below packet indices and replay windows: key derivation
// (RFC 3711 section 4.3) and sealing or opening one packet whose index is known. Used by srtp.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "rtc/srtp.hpp"

namespace hushcast::rtc {

enum class SrtpStream : std::uint8_t { Rtp, Rtcp };

/// What one direction of RTP or of RTCP is protected with.
struct SrtpSessionKeys {
    std::array<std::uint8_t, 16> encryption{};
    std::array<std::uint8_t, 14> salt{};            ///< GCM uses the first 12
    std::array<std::uint8_t, 20> authentication{};  ///< CM only
};

/// With a key derivation rate of 0, the only one DTLS-SRTP knows (RFC 5764 section 4.1.2).
SrtpSessionKeys derive_session_keys(SrtpProfile profile,
                                    const SrtpMasterKey& master,
                                    SrtpStream stream);

inline constexpr std::size_t kRtcpHeaderBytes = 8;  ///< with the sender's SSRC; never encrypted
inline constexpr std::size_t kSrtcpIndexBytes = 4;

/// One direction of one peer. Holds a single OpenSSL context per algorithm, keyed for RTP nearly
/// all the time; the rare RTCP packet pays for two key changes, and thousands of peers stay small.
/// Not thread-safe.
class SrtpCipher {
public:
    virtual ~SrtpCipher() = default;

    [[nodiscard]] virtual std::size_t tag_bytes() const = 0;

    /// Encrypts the `size` bytes at the front of `buffer` behind their `header` bytes and appends
    /// the tag, for which there is room. `index` has 48 bits.
    virtual void seal_rtp(std::uint8_t* buffer,
                          std::size_t size,
                          std::size_t header,
                          std::uint64_t index) = 0;
    /// The opposite; `size` includes the tag. False: not authentic, and the bytes may be garbage
    /// now.
    virtual bool open_rtp(std::uint8_t* buffer,
                          std::size_t size,
                          std::size_t header,
                          std::uint64_t index) = 0;

    /// Likewise; appends tag and index word, in the order of the profile. `index` has 31 bits.
    virtual void seal_rtcp(std::uint8_t* buffer, std::size_t size, std::uint32_t index) = 0;
    virtual bool open_rtcp(std::uint8_t* buffer, std::size_t size) = 0;
    /// The index word of a protected packet: the E flag (encrypted) and 31 bits of index.
    [[nodiscard]] virtual std::uint32_t index_word(Bytes packet) const = 0;
};

enum class SrtpDirection : std::uint8_t { Seal, Open };

std::unique_ptr<SrtpCipher> make_srtp_cipher(SrtpProfile profile,
                                             SrtpDirection direction,
                                             const SrtpSessionKeys& rtp,
                                             const SrtpSessionKeys& rtcp);

}  // namespace hushcast::rtc
