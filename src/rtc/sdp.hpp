// Session descriptions (RFC 8866) for one audio section: reading a browser's offer, writing our
// answer (RFC 8829). Everything the server does not use is skipped, everything it needs is bounded.
#pragma once

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
    std::uint8_t opus_payload_type = 0;      ///< opus/48000/2
    std::optional<std::uint8_t> mid_extension;          ///< urn:ietf:params:rtp-hdrext:sdes:mid
    std::optional<std::uint8_t> audio_level_extension;  ///< urn:ietf:params:rtp-hdrext:ssrc-audio-level
    bool nack = false;         ///< the offerer named a=rtcp-fb nack for Opus
    std::optional<std::uint32_t> ssrc;  ///< first a=ssrc of the section
    bool bundled = false;      ///< the mid stands in an a=group:BUNDLE
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
};

inline constexpr std::size_t kMaxSdpBytes = 64 * 1024;  ///< browsers' audio+video offers are under 10 kB

/// A sentence for the person or program that sent the offer.
std::string_view describe(SdpError error);

Result<SdpOffer, SdpError> parse_offer(std::string_view text);

/// What the server puts into its answer.
struct SdpAnswer {
    IceCredentials ice;
    Fingerprint fingerprint{};
    DtlsRole role = DtlsRole::Server;
    std::vector<Endpoint> candidates;  ///< host candidates in falling priority; the first is c= and m=
    bool receive = true;               ///< we receive (publisher) or send (listener)
    std::uint32_t ssrc = 0;            ///< of what we send; unused when receiving
    std::string stream_id;             ///< msid of what we send
    std::string cname;
    std::uint64_t session_id = 0;      ///< o= line
};

/// The answer to `offer`. To a publisher it asks for `maxaveragebitrate=128000; useinbandfec=1` and
/// `a=ptime:10`-capable, NACK; to a listener it sends mono Opus and leaves transport-cc out
/// (docs/transport.md gives the reasons).
std::string write_answer(const SdpOffer& offer, const SdpAnswer& answer);

}  // namespace hushcast::rtc
