// Session descriptions (RFC 8866) for one audio section: reading a browser's offer, writing our
// answer (RFC 8829). Everything the server does not use is skipped, everything it needs is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "rtc/dtls.hpp"
#include "rtc/ice_lite.hpp"

namespace hushcast::rtc {

/// From the offerer's side.
enum class SdpDirection { SendRecv, SendOnly, RecvOnly, Inactive };
enum class SdpSetup { Active, Passive, ActPass };

/// What we keep of an offer. Sections other than the first usable audio one are remembered only by
/// their mid and kind, because the answer has to reject each of them in order.
struct SdpOffer {
    struct Section {
        std::string kind;      ///< "audio", "video", "application", …
        std::string protocol;  ///< "UDP/TLS/RTP/SAVPF"
        std::string formats;   ///< the format list as it stood, to be echoed in a rejection
        std::string mid;       ///< empty when there was none
    };
    std::vector<Section> sections;
    std::size_t audio_index = 0;  ///< of the section that carries the audio

    SdpDirection direction = SdpDirection::SendRecv;
    SdpSetup setup = SdpSetup::ActPass;
    IceCredentials ice;
    Fingerprint fingerprint{};
    std::uint8_t opus_payload_type = 0;         ///< opus/48000/2
    std::optional<std::uint8_t> mid_extension;  ///< urn:ietf:params:rtp-hdrext:sdes:mid
    std::optional<std::uint8_t>
        audio_level_extension;          ///< urn:ietf:params:rtp-hdrext:ssrc-audio-level
    bool nack = false;                  ///< the offerer named a=rtcp-fb nack for Opus
    std::optional<std::uint32_t> ssrc;  ///< first a=ssrc of the section
    bool bundled = false;               ///< the mid stands in an a=group:BUNDLE
    bool reduced_size_rtcp = false;     ///< a=rtcp-rsize (RFC 5506)
};

enum class SdpError {
    TooLarge,        ///< more than kMaxSdpBytes, or too many lines or sections
    Malformed,       ///< not a session description
    NoAudio,         ///< no audio section, or all of them rejected (port 0)
    NoOpus,          ///< audio without opus/48000/2
    NoIce,           ///< ice-ufrag or ice-pwd missing or out of range
    NoFingerprint,   ///< no SHA-256 certificate fingerprint
    NotDtls,         ///< not UDP/TLS/RTP/SAVP[F]
    NoRtcpMux,       ///< RTCP on a port of its own is not supported
    RemoteIceLite,   ///< two ICE-lite agents would wait for each other's checks
    WrongDirection,  ///< see fits(): parse_offer() cannot know who is asking
};

inline constexpr std::size_t kMaxSdpBytes =
    64 * 1024;                                     ///< browsers' audio+video offers are under 10 kB
inline constexpr std::size_t kMaxSdpLines = 2000;  ///< and have some 150 lines
inline constexpr std::size_t kMaxSdpSections = 32;  ///< and three sections

/// A sentence for the person or program that sent the offer.
std::string_view describe(SdpError error);

Result<SdpOffer, SdpError> parse_offer(std::string_view text);

/// Whether an offer of this direction lets us receive (from a publisher) or send (to a listener);
/// otherwise the answer to the person is WrongDirection.
constexpr bool fits(SdpDirection offered, bool we_receive) {
    const SdpDirection one_way = we_receive ? SdpDirection::SendOnly : SdpDirection::RecvOnly;
    return offered == SdpDirection::SendRecv || offered == one_way;
}

/// Our side of the handshake: the server wherever the offer leaves the choice (docs/transport.md).
constexpr DtlsRole answering_role(SdpSetup offered) {
    return offered == SdpSetup::Passive ? DtlsRole::Client : DtlsRole::Server;
}

/// What the server puts into its answer.
struct SdpAnswer {
    IceCredentials ice;
    Fingerprint fingerprint{};
    DtlsRole role = DtlsRole::Server;
    std::vector<Endpoint>
        candidates;          ///< host candidates in falling priority; the first is c= and m=
    bool receive = true;     ///< we receive (publisher) or send (listener)
    std::uint32_t ssrc = 0;  ///< of what we send; unused when receiving
    std::string stream_id;   ///< msid of what we send
    std::string cname;
    std::uint64_t session_id = 0;  ///< o= line
};

/// The answer to `offer`, which parse_offer() gave. It asks a publisher for 128 kbit/s, in-band
/// FEC, 10 ms packets and to resend what we miss (NACK); to a listener it sends mono Opus and
/// leaves transport-cc out (docs/transport.md gives the reasons).
std::string write_answer(const SdpOffer& offer, const SdpAnswer& answer);

}  // namespace hushcast::rtc
