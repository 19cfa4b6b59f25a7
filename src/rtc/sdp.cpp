#include "rtc/sdp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace hushcast::rtc {

namespace {

constexpr std::string_view kMidUri = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr std::string_view kAudioLevelUri = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
constexpr std::string_view kSpaces = " \t";
/// Header extension ids that fit the one-byte form (RFC 8285 section 4.2); 15 is reserved.
constexpr std::uint8_t kMaxExtensionId = 14;
constexpr std::size_t kMaxTokenBytes = 256;  ///< of what we echo; browsers' mids have one character
constexpr std::size_t kMaxFormats = 128;     ///< payload types have seven bits
/// Higher than anything a microphone needs, and what the denoiser's input is worth
/// (docs/transport.md).
constexpr int kPublisherBitrateBps = 128'000;
constexpr int kPublisherPacketMs = 10;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/// token of RFC 8866 section 9, and a slash for protocols.
bool is_token(std::string_view text, std::string_view also = {}) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`{|}~";
    return !text.empty() && text.size() <= kMaxTokenBytes &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos ||
                      also.find(c) != std::string_view::npos;
           });
}

/// ice-char of RFC 8839 section 5.4.
bool is_ice_text(std::string_view text, std::size_t shortest) {
    return text.size() >= shortest && text.size() <= 256 &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; });
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::uint8_t> parse_payload_type(std::string_view text) {
    const auto number = parse_number<std::uint8_t>(text);
    // 64 to 95 cannot be told from RTCP on the same port (RFC 5761 section 4).
    const bool usable = number && *number <= 127 && (*number < 64 || *number > 95);
    return usable ? number : std::nullopt;
}

/// Takes the text up to the first of `ends` off the front of `rest`, and that character with it.
std::string_view take_until(std::string_view& rest, std::string_view ends) {
    const std::size_t end = std::min(rest.find_first_of(ends), rest.size());
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return taken;
}

/// The next word, spaces in front of it skipped; empty at the end.
std::string_view take_word(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
    return take_until(rest, kSpaces);
}

/// What a section says, or the session before the first of them; views into the offer. The first of
/// repeated attributes counts.
struct Scope {
    std::string_view kind;
    std::string_view protocol;
    std::string_view formats;
    std::string_view mid;
    bool rejected = false;
    bool bundle_only = false;
    bool rtcp_mux = false;
    bool rtcp_rsize = false;
    bool ice_lite = false;
    std::optional<std::string_view> ufrag;
    std::optional<std::string_view> password;
    std::optional<Fingerprint> fingerprint;
    std::optional<SdpSetup> setup;
    std::optional<SdpDirection> direction;
    std::vector<std::string_view> opus;   ///< formats mapped to opus/48000/2
    std::vector<std::string_view> nacks;  ///< formats with plain rtcp-fb nack, "*" for all
    std::optional<std::uint8_t> mid_extension;
    std::optional<std::uint8_t> audio_level_extension;
    std::optional<std::uint32_t> ssrc;
    std::string_view bundle;  ///< mids of the session's first BUNDLE group
};

std::optional<SdpDirection> parse_direction(std::string_view name) {
    if (name == "sendrecv") return SdpDirection::SendRecv;
    if (name == "sendonly") return SdpDirection::SendOnly;
    if (name == "recvonly") return SdpDirection::RecvOnly;
    if (name == "inactive") return SdpDirection::Inactive;
    return std::nullopt;
}

std::optional<SdpSetup> parse_setup(std::string_view value) {
    if (value == "actpass") return SdpSetup::ActPass;
    if (value == "active") return SdpSetup::Active;
    if (value == "passive") return SdpSetup::Passive;
    return std::nullopt;
}

template <typename T, typename U>
void keep_first(std::optional<T>& kept, const U& value) {
    if (!kept) kept = value;
}

void read_fingerprint(Scope& scope, std::string_view value) {
    if (!same_ignoring_case(take_word(value), "sha-256")) return;
    if (const auto fingerprint = parse_fingerprint(take_word(value))) {
        keep_first(scope.fingerprint, *fingerprint);
    }
}

void read_rtpmap(Scope& scope, std::string_view value) {
    const std::string_view format = take_word(value);
    if (same_ignoring_case(take_word(value), "opus/48000/2")) scope.opus.push_back(format);
}

void read_feedback(Scope& scope, std::string_view value) {
    const std::string_view format = take_word(value);
    // "nack pli" is another one, for pictures.
    if (take_word(value) == "nack" && take_word(value).empty()) scope.nacks.push_back(format);
}

void read_extension(Scope& scope, std::string_view value) {
    std::string_view id_and_direction = take_word(value);
    const auto id = parse_number<std::uint8_t>(take_until(id_and_direction, "/"));
    if (!id || *id == 0 || *id > kMaxExtensionId) return;
    const std::string_view uri = take_word(value);
    if (uri == kMidUri) keep_first(scope.mid_extension, *id);
    if (uri == kAudioLevelUri) keep_first(scope.audio_level_extension, *id);
}

/// An attribute without a value; false when it is none of those we know.
bool read_flag(Scope& scope, std::string_view name) {
    if (name == "ice-lite") return scope.ice_lite = true;
    if (name == "rtcp-mux" || name == "rtcp-mux-only") return scope.rtcp_mux = true;
    if (name == "rtcp-rsize") return scope.rtcp_rsize = true;
    if (name == "bundle-only") return scope.bundle_only = true;
    if (const auto direction = parse_direction(name)) {
        keep_first(scope.direction, *direction);
        return true;
    }
    return false;
}

/// False when the attribute makes the whole description malformed.
bool read_attribute(Scope& scope, std::string_view attribute) {
    const std::string_view name = take_until(attribute, ":");
    const std::string_view value = attribute;
    if (read_flag(scope, name)) return true;
    if (name == "mid") {
        if (!is_token(value)) return false;
        if (scope.mid.empty()) scope.mid = value;
    } else if (name == "group") {
        std::string_view rest = value;
        if (take_word(rest) == "BUNDLE" && scope.bundle.empty()) scope.bundle = rest;
    } else if (name == "ice-ufrag") {
        keep_first(scope.ufrag, value);
    } else if (name == "ice-pwd") {
        keep_first(scope.password, value);
    } else if (name == "ssrc") {
        std::string_view rest = value;
        const auto ssrc = parse_number<std::uint32_t>(take_word(rest));
        if (!ssrc) return false;
        keep_first(scope.ssrc, *ssrc);
    } else if (name == "setup") {
        const auto setup = parse_setup(value);
        if (!setup) return false;
        keep_first(scope.setup, *setup);
    } else if (name == "fingerprint") {
        read_fingerprint(scope, value);
    } else if (name == "rtpmap") {
        read_rtpmap(scope, value);
    } else if (name == "rtcp-fb") {
        read_feedback(scope, value);
    } else if (name == "extmap") {
        read_extension(scope, value);
    }
    return true;
}

/// "audio 9 UDP/TLS/RTP/SAVPF 111 63": everything that is echoed is checked here.
std::optional<Scope> read_media_line(std::string_view line) {
    Scope scope;
    scope.kind = take_word(line);
    std::string_view port_text = take_word(line);
    const auto port = parse_number<std::uint16_t>(take_until(port_text, "/"));
    scope.protocol = take_word(line);
    line.remove_prefix(std::min(line.find_first_not_of(kSpaces), line.size()));
    scope.formats = line.substr(0, line.find_last_not_of(kSpaces) + 1);
    if (!is_token(scope.kind) || !port || !is_token(scope.protocol, "/")) return std::nullopt;
    std::string_view rest = scope.formats;
    std::size_t formats = 0;
    for (; !rest.empty(); ++formats) {
        if (formats == kMaxFormats || !is_token(take_word(rest))) return std::nullopt;
    }
    if (formats == 0) return std::nullopt;
    scope.rejected = *port == 0;
    return scope;
}

struct Description {
    Scope session;
    std::vector<Scope> sections;
};

bool is_clean(std::string_view line) {
    return std::none_of(line.begin(), line.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
}

/// One line without its end; what is wrong with it, if anything.
std::optional<SdpError> read_line(Description& description, std::string_view line) {
    if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' || !is_clean(line)) {
        return SdpError::Malformed;
    }
    const std::string_view value = line.substr(2);
    auto& sections = description.sections;
    if (line[0] == 'm') {
        if (sections.size() == kMaxSdpSections) return SdpError::TooLarge;
        auto section = read_media_line(value);
        if (!section) return SdpError::Malformed;
        sections.push_back(*std::move(section));
    } else if (line[0] == 'a') {
        Scope& scope = sections.empty() ? description.session : sections.back();
        if (!read_attribute(scope, value)) return SdpError::Malformed;
    }
    return std::nullopt;
}

Result<Description, SdpError> split(std::string_view text) {
    if (text.size() > kMaxSdpBytes) return SdpError::TooLarge;
    Description description;
    bool first = true;
    for (std::size_t lines = 0; !text.empty(); ++lines) {
        if (lines == kMaxSdpLines) return SdpError::TooLarge;
        std::string_view line = take_until(text, "\n");
        if (line.ends_with('\r')) line.remove_suffix(1);  // RFC 8866 asks readers to bear a bare LF
        if (line.empty()) continue;
        if (std::exchange(first, false) && line != "v=0") return SdpError::Malformed;
        if (const auto error = read_line(description, line)) return *error;
    }
    if (first) return SdpError::Malformed;
    return description;
}

bool lists(std::string_view words, std::string_view wanted) {
    while (!words.empty()) {
        if (take_word(words) == wanted) return true;
    }
    return false;
}

/// What a bundled section inherits from the one that opens the bundle (RFC 8843 section 7.1.3): a
/// bundle-only section may leave out everything about the transport.
const Scope* bundle_tag(const Description& description) {
    std::string_view mids = description.session.bundle;
    const std::string_view tag = take_word(mids);
    const auto& sections = description.sections;
    const auto found = std::find_if(sections.begin(), sections.end(), [&](const Scope& scope) {
        return !tag.empty() && scope.mid == tag;
    });
    return found == sections.end() ? nullptr : &*found;
}

std::optional<std::string_view> opus_format(const Scope& section) {
    std::string_view formats = section.formats;
    while (!formats.empty()) {
        const std::string_view format = take_word(formats);
        const bool opus =
            std::find(section.opus.begin(), section.opus.end(), format) != section.opus.end();
        if (opus && parse_payload_type(format)) return format;
    }
    return std::nullopt;
}

/// Fills what concerns the one section that carries the audio.
Result<SdpOffer, SdpError> read_audio(const Description& description, const Scope& section) {
    SdpOffer offer;
    const Scope& session = description.session;
    offer.bundled = !section.mid.empty() && lists(session.bundle, section.mid);
    const Scope* const tag = offer.bundled ? bundle_tag(description) : nullptr;
    const auto inherited = [&](auto Scope::*member) {
        if (section.*member) return section.*member;
        if (session.*member) return session.*member;
        return tag != nullptr ? tag->*member : section.*member;
    };

    if (!same_ignoring_case(section.protocol, "UDP/TLS/RTP/SAVPF") &&
        !same_ignoring_case(section.protocol, "UDP/TLS/RTP/SAVP")) {
        return SdpError::NotDtls;
    }
    const auto opus = opus_format(section);
    if (!opus) return SdpError::NoOpus;
    offer.opus_payload_type = *parse_payload_type(*opus);
    if (!section.rtcp_mux && !(tag != nullptr && tag->rtcp_mux)) return SdpError::NoRtcpMux;
    if (session.ice_lite) return SdpError::RemoteIceLite;

    const auto ufrag = inherited(&Scope::ufrag);
    const auto password = inherited(&Scope::password);
    if (!ufrag || !password || !is_ice_text(*ufrag, 4) || !is_ice_text(*password, 22)) {
        return SdpError::NoIce;
    }
    offer.ice = {std::string(*ufrag), std::string(*password)};
    const auto fingerprint = inherited(&Scope::fingerprint);
    if (!fingerprint) return SdpError::NoFingerprint;
    offer.fingerprint = *fingerprint;
    // An offer without a=setup is active by RFC 4145 section 4.
    offer.setup = inherited(&Scope::setup).value_or(SdpSetup::Active);
    offer.direction =
        section.direction.value_or(session.direction.value_or(SdpDirection::SendRecv));

    offer.nack =
        std::any_of(section.nacks.begin(), section.nacks.end(),
                    [&](std::string_view format) { return format == "*" || format == *opus; });
    offer.mid_extension = section.mid_extension;
    offer.audio_level_extension = section.audio_level_extension;
    if (offer.audio_level_extension == offer.mid_extension) offer.audio_level_extension.reset();
    offer.ssrc = section.ssrc;
    offer.reduced_size_rtcp = section.rtcp_rsize;
    return offer;
}

std::string address_of(const IpAddress& ip) {
    return (ip.is_v4() ? "IN IP4 " : "IN IP6 ") + ip.to_string();
}

/// Lines end with CRLF (RFC 8866 section 5).
class Lines {
public:
    template <typename... Parts>
    void add(const Parts&... parts) {
        (append(parts), ...);
        text_ += "\r\n";
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    void append(std::string_view text) { text_ += text; }
    template <typename Number>
    requires std::is_integral_v<Number>
    void append(Number number) { text_ += std::to_string(number); }

    std::string text_;
};

void add_rejection(Lines& lines, const SdpOffer::Section& section) {
    lines.add("m=", section.kind, " 0 ", section.protocol, " ", section.formats);
    lines.add("c=IN IP4 0.0.0.0");
    if (!section.mid.empty()) lines.add("a=mid:", section.mid);
    lines.add("a=inactive");
}

void add_codec(Lines& lines, const SdpOffer& offer, bool receive, bool feedback) {
    const int type = offer.opus_payload_type;
    lines.add("a=rtpmap:", type, " opus/48000/2");
    if (receive) {
        // Told stereo=0, Chromium encodes for telephony (OPUS_APPLICATION_VOIP), whose high-pass
        // shifts the phase of everything below 200 Hz: 13 dB of SI-SDR. We decode to mono anyway.
        lines.add("a=fmtp:", type, " minptime=", kPublisherPacketMs,
                  ";useinbandfec=1;stereo=1;maxaveragebitrate=", kPublisherBitrateBps);
        lines.add("a=ptime:", kPublisherPacketMs);
    } else {
        lines.add("a=fmtp:", type, " minptime=10;useinbandfec=1;sprop-stereo=0");
    }
    if (feedback) lines.add("a=rtcp-fb:", type, " nack");
}

void add_candidates(Lines& lines, const std::vector<Endpoint>& candidates) {
    // RFC 8445 section 5.1.2: type preference 126 for host, one local preference each, component 1.
    std::uint32_t local_preference = 65'535;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const std::uint32_t priority = 126U << 24 | local_preference << 8 | 255U;
        lines.add("a=candidate:", i + 1, " 1 udp ", priority, " ", candidates[i].ip.to_string(),
                  " ", candidates[i].port, " typ host");
        if (local_preference > 0) --local_preference;
    }
    lines.add("a=end-of-candidates");
}

void add_audio(Lines& lines, const SdpOffer& offer, const SdpAnswer& answer) {
    const SdpOffer::Section& section = offer.sections[offer.audio_index];
    // Without candidates there is nothing to name; 9 is the port that stands for that (RFC 8840).
    const Endpoint main = answer.candidates.empty() ? Endpoint{IpAddress::v4(0, 0, 0, 0), 9}
                                                    : answer.candidates.front();
    lines.add("m=audio ", main.port, " ", section.protocol, " ", offer.opus_payload_type);
    lines.add("c=", address_of(main.ip));
    if (!section.mid.empty()) lines.add("a=mid:", section.mid);
    lines.add(answer.receive ? "a=recvonly" : "a=sendonly");
    lines.add("a=rtcp-mux");
    if (offer.reduced_size_rtcp) lines.add("a=rtcp-rsize");
    lines.add("a=ice-ufrag:", answer.ice.ufrag);
    lines.add("a=ice-pwd:", answer.ice.password);
    lines.add("a=fingerprint:sha-256 ", to_string(answer.fingerprint));
    lines.add(answer.role == DtlsRole::Client ? "a=setup:active" : "a=setup:passive");
    if (answer.receive) {
        // Read by us alone; what we send carries no header extensions.
        if (offer.mid_extension) lines.add("a=extmap:", *offer.mid_extension, " ", kMidUri);
        if (offer.audio_level_extension) {
            lines.add("a=extmap:", *offer.audio_level_extension, " ", kAudioLevelUri);
        }
    }
    // SAVP without F has no early feedback, so no NACK (RFC 4585).
    add_codec(lines, offer, answer.receive, lower(section.protocol.back()) == 'f');
    if (!answer.receive) {
        lines.add("a=msid:", answer.stream_id, " ", answer.stream_id, "-audio");
        lines.add("a=ssrc:", answer.ssrc, " cname:", answer.cname);
    }
    add_candidates(lines, answer.candidates);
}

}  // namespace

std::string_view describe(SdpError error) {
    switch (error) {
        case SdpError::TooLarge: return "The offer is too large to be a call's description.";
        case SdpError::Malformed: return "The offer is not a session description (SDP).";
        case SdpError::NoAudio: return "The offer has no audio section.";
        case SdpError::NoOpus: return "The offer's audio does not include the codec opus/48000/2.";
        case SdpError::NoIce: return "The offer lacks a valid ice-ufrag and ice-pwd.";
        case SdpError::NoFingerprint: return "The offer lacks a SHA-256 certificate fingerprint.";
        case SdpError::NotDtls: return "The offer's audio is not encrypted with DTLS-SRTP.";
        case SdpError::NoRtcpMux:
            return "The offer wants RTCP on a port of its own; a=rtcp-mux is needed.";
        case SdpError::RemoteIceLite:
            return "The offer comes from an ICE-lite agent, as this server is; one side must be "
                   "full.";
        case SdpError::WrongDirection:
            return "The offer's direction does not fit: who streams must send, who listens must "
                   "receive.";
    }
    return "The offer cannot be used.";
}

Result<SdpOffer, SdpError> parse_offer(std::string_view text) {
    auto description = split(text);
    if (!description) return description.error();

    SdpError reason = SdpError::NoAudio;
    bool tried = false;
    for (std::size_t i = 0; i < description->sections.size(); ++i) {
        const Scope& section = description->sections[i];
        // A bundle-only section has port 0 and is offered all the same (RFC 8843 section 6).
        if (section.kind != "audio" || (section.rejected && !section.bundle_only)) continue;
        auto offer = read_audio(*description, section);
        if (!offer) {
            if (!std::exchange(tried, true)) reason = offer.error();
            continue;
        }
        offer->audio_index = i;
        for (const Scope& scope : description->sections) {
            offer->sections.push_back({std::string(scope.kind), std::string(scope.protocol),
                                       std::string(scope.formats), std::string(scope.mid)});
        }
        return offer;
    }
    return reason;
}

std::string write_answer(const SdpOffer& offer, const SdpAnswer& answer) {
    Lines lines;
    lines.add("v=0");
    // 63 bits: RFC 8829 section 5.2.1.
    lines.add("o=- ", answer.session_id >> 1, " 1 IN IP4 0.0.0.0");
    lines.add("s=-");
    lines.add("t=0 0");
    if (offer.bundled) lines.add("a=group:BUNDLE ", offer.sections[offer.audio_index].mid);
    lines.add("a=ice-lite");
    for (std::size_t i = 0; i < offer.sections.size(); ++i) {
        if (i == offer.audio_index) {
            add_audio(lines, offer, answer);
        } else {
            add_rejection(lines, offer.sections[i]);
        }
    }
    return lines.take();
}

}  // namespace hushcast::rtc
