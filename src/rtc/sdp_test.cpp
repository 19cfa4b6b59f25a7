#include "rtc/sdp.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hushcast::rtc {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kFingerprint =
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:"
    "FF";

std::string crlf(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return text;
}

/// A browser that sends a microphone, in the manner of Chromium.
std::string chromium() {
    return crlf(
        "v=0\no=- 4611731400430051336 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
        "a=group:BUNDLE 0\na=extmap-allow-mixed\na=msid-semantic: WMS 7a1b\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\nc=IN IP4 0.0.0.0\n"
        "a=rtcp:9 IN IP4 0.0.0.0\na=ice-ufrag:Ab+/\na=ice-pwd:abcdefghijklmnopqrstuvwx\n"
        "a=ice-options:trickle\na=fingerprint:sha-256 " +
        std::string(kFingerprint) +
        "\na=setup:actpass\na=mid:0\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
        "a=sendonly\na=msid:7a1b 55aa\na=rtcp-mux\na=rtcp-rsize\n"
        "a=rtpmap:111 opus/48000/2\na=rtcp-fb:111 transport-cc\n"
        "a=fmtp:111 minptime=10;useinbandfec=1\na=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n"
        "a=rtpmap:9 G722/8000\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\na=rtpmap:13 CN/8000\n"
        "a=rtpmap:110 telephone-event/48000\na=rtpmap:126 telephone-event/8000\n"
        "a=ssrc:1234567890 cname:oc9J\na=ssrc:1234567890 msid:7a1b 55aa\n");
}

/// Firefox puts the fingerprint in front of the sections, bundles a rejected-to-be video and a data
/// channel, and numbers Opus 109.
std::string firefox() {
    return crlf(
        "v=0\no=mozilla...THIS_IS_SDPARTA-99.0 987 0 IN IP4 0.0.0.0\ns=-\nt=0 0\n"
        "a=fingerprint:sha-256 " +
        std::string(kFingerprint) +
        "\na=group:BUNDLE 0 1 2\na=ice-options:trickle\na=msid-semantic:WMS *\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\nc=IN IP4 0.0.0.0\na=recvonly\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
        "a=extmap:3/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\n"
        "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\n"
        "a=ice-pwd:0123456789abcdef0123456789abcdef\na=ice-ufrag:01234567\na=mid:0\na=rtcp-mux\n"
        "a=rtpmap:109 opus/48000/2\na=rtpmap:9 G722/8000/1\na=setup:actpass\n"
        "m=video 0 UDP/TLS/RTP/SAVPF 120 124\nc=IN IP4 "
        "0.0.0.0\na=bundle-only\na=recvonly\na=mid:1\n"
        "a=rtcp-fb:120 nack\na=rtpmap:120 VP8/90000\n"
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 "
        "0.0.0.0\na=bundle-only\na=mid:2\n"
        "a=sctp-port:5000\n");
}

/// Safari with a camera: video first, audio second.
std::string safari_video_first() {
    std::string text = replaced(chromium(), "BUNDLE 0", "BUNDLE v a");
    text = replaced(text, "a=mid:0", "a=mid:a");
    return replaced(text, "m=audio",
                    crlf("m=video 9 UDP/TLS/RTP/SAVPF 96\nc=IN IP4 0.0.0.0\na=mid:v\n"
                         "a=sendrecv\na=rtpmap:96 H264/90000\nm=audio"));
}

/// aiortc: candidates inside, real port, no rsize, no trickle; RTCP feedback absent.
std::string aiortc() {
    return crlf(
        "v=0\no=- 3998 3998 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE 0\na=msid-semantic:WMS *\n"
        "m=audio 40404 UDP/TLS/RTP/SAVPF 96 0 8\nc=IN IP4 192.0.2.10\na=sendrecv\n"
        "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\n"
        "a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level\na=mid:0\na=msid:aa bb\n"
        "a=rtcp:9 IN IP4 0.0.0.0\na=rtcp-mux\na=ssrc:77 cname:cc\na=rtpmap:96 opus/48000/2\n"
        "a=rtpmap:0 PCMU/8000\na=candidate:f9 1 udp 2130706431 192.0.2.10 40404 typ host\n"
        "a=end-of-candidates\na=ice-ufrag:BU47\na=ice-pwd:Bmc4lokFainQ3a1swSY4nM\n"
        "a=fingerprint:sha-256 " +
        std::string(kFingerprint) + "\na=setup:actpass\n");
}

/// Pion: transport attributes at both levels, active, mid in front; lower-case fingerprint.
std::string pion() {
    std::string text = replaced(aiortc(), "a=msid-semantic:WMS *", "a=setup:active");
    text = replaced(text, "a=setup:actpass", "a=x");
    return replaced(text, "AA:BB:CC:DD:EE:FF", "aa:bb:cc:dd:ee:ff");
}

/// GStreamer: upper-case OPUS, no BUNDLE group, credentials and setup only in front of the
/// sections.
std::string gstreamer() {
    return crlf(
        "v=0\no=- 55 0 IN IP4 0.0.0.0\ns=-\nt=0 0\na=ice-options:trickle\na=ice-ufrag:abcdEFGH\n"
        "a=ice-pwd:ABCDEFGHIJKLMNOPQRSTUV\na=setup:passive\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 97\nc=IN IP4 0.0.0.0\na=mid:audio0\na=rtcp-mux\na=sendrecv\n"
        "a=rtpmap:97 OPUS/48000/2\na=rtcp-fb:97 nack\na=rtcp-fb:97 nack pli\n"
        "a=ssrc:3000000000 msid:user0 webrtctransceiver0\na=fingerprint:SHA-256 " +
        std::string(kFingerprint) + "\n");
}

SdpOffer parsed(const std::string& text) {
    const auto offer = parse_offer(text);
    EXPECT_TRUE(offer.ok()) << (offer.ok() ? "" : describe(offer.error())) << '\n' << text;
    return offer.ok() ? *offer : SdpOffer{};
}

std::optional<SdpError> error_of(const std::string& text) {
    const auto offer = parse_offer(text);
    return offer.ok() ? std::nullopt : std::optional(offer.error());
}

TEST(SdpOffer, ReadsChromium) {
    const SdpOffer offer = parsed(chromium());
    ASSERT_EQ(offer.sections.size(), 1U);
    EXPECT_EQ(offer.sections[0].kind, "audio");
    EXPECT_EQ(offer.sections[0].protocol, "UDP/TLS/RTP/SAVPF");
    EXPECT_EQ(offer.sections[0].formats, "111 63 9 0 8 13 110 126");
    EXPECT_EQ(offer.sections[0].mid, "0");
    EXPECT_EQ(offer.direction, SdpDirection::SendOnly);
    EXPECT_EQ(offer.setup, SdpSetup::ActPass);
    EXPECT_EQ(offer.ice.ufrag, "Ab+/");
    EXPECT_EQ(offer.ice.password, "abcdefghijklmnopqrstuvwx");
    EXPECT_EQ(to_string(offer.fingerprint), kFingerprint);
    EXPECT_EQ(offer.opus_payload_type, 111);
    EXPECT_EQ(offer.mid_extension, 4);
    EXPECT_EQ(offer.audio_level_extension, 1);
    EXPECT_FALSE(offer.nack);
    EXPECT_EQ(offer.ssrc, 1234567890U);
    EXPECT_TRUE(offer.bundled);
    EXPECT_TRUE(offer.reduced_size_rtcp);
}

TEST(SdpOffer, ReadsTheOthers) {
    const SdpOffer fox = parsed(firefox());
    EXPECT_EQ(fox.sections.size(), 3U);
    EXPECT_EQ(fox.direction, SdpDirection::RecvOnly);
    EXPECT_EQ(fox.opus_payload_type, 109);
    EXPECT_EQ(fox.mid_extension, 3);
    EXPECT_EQ(to_string(fox.fingerprint), kFingerprint) << "from the session";

    const SdpOffer safari = parsed(safari_video_first());
    EXPECT_EQ(safari.audio_index, 1U);
    EXPECT_EQ(safari.sections[0].kind, "video");

    const SdpOffer python = parsed(aiortc());
    EXPECT_EQ(python.opus_payload_type, 96);
    EXPECT_EQ(python.ssrc, 77U);
    EXPECT_FALSE(python.reduced_size_rtcp);

    const SdpOffer go = parsed(pion());
    EXPECT_EQ(go.setup, SdpSetup::Active);
    EXPECT_EQ(to_string(go.fingerprint), kFingerprint);

    const SdpOffer gst = parsed(gstreamer());
    EXPECT_EQ(gst.setup, SdpSetup::Passive);
    EXPECT_EQ(gst.ice.ufrag, "abcdEFGH");
    EXPECT_FALSE(gst.bundled);
    EXPECT_TRUE(gst.nack);
}

TEST(SdpOffer, BearsBareLineFeeds) {
    std::string text = chromium();
    std::erase(text, '\r');
    EXPECT_EQ(parsed(text).opus_payload_type, 111);
}

TEST(SdpOffer, InheritsFromTheSectionThatOpensTheBundle) {
    // Audio second and bundle-only: port 0 and nothing about the transport.
    std::string text = replaced(
        gstreamer(), "m=audio 9",
        crlf("a=group:BUNDLE v audio0\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v\na=rtcp-mux\n"
             "a=fingerprint:sha-256 " +
             std::string(kFingerprint) + "\nm=audio 0"));
    text = replaced(text, "a=rtcp-mux\r\na=sendrecv", "a=bundle-only");
    text = replaced(text, "a=fingerprint:SHA-256", "a=x-fingerprint:SHA-256");
    const SdpOffer offer = parsed(text);
    EXPECT_EQ(offer.audio_index, 1U);
    EXPECT_EQ(to_string(offer.fingerprint), kFingerprint);
    EXPECT_EQ(error_of(replaced(text, "a=bundle-only", "a=rtcp-mux")), SdpError::NoAudio);
}

TEST(SdpOffer, TakesTheFirstAudioThatCanBeUsed) {
    const std::string text =
        replaced(chromium(), "m=audio 9",
                 crlf("m=audio 0 UDP/TLS/RTP/SAVPF 0\nm=audio 9 UDP/TLS/RTP/SAVPF 0\nm=audio 9"));
    const SdpOffer offer = parsed(text);
    EXPECT_EQ(offer.audio_index, 2U);
    EXPECT_EQ(offer.sections.size(), 3U);
}

TEST(SdpOffer, SaysWhatIsMissing) {
    const std::string good = chromium();
    const std::string ufrag = "a=ice-ufrag:Ab+/\r\n";
    const std::string pwd = "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
    const std::vector<std::pair<std::string, SdpError>> cases = {
        {replaced(good, "m=audio", "m=video"), SdpError::NoAudio},
        {replaced(good, "m=audio 9", "m=audio 0"), SdpError::NoAudio},
        {good.substr(0, good.find("m=")), SdpError::NoAudio},
        {replaced(good, "111 opus/48000/2", "111 opus/48000"), SdpError::NoOpus},
        {replaced(good, "111 opus/48000/2", "112 opus/48000/2"), SdpError::NoOpus},
        {replaced(good, "opus", "speex"), SdpError::NoOpus},
        {replaced(replaced(good, "SAVPF 111", "SAVPF 72"), "a=rtpmap:111", "a=rtpmap:72"),
         SdpError::NoOpus},
        {replaced(good, ufrag, ""), SdpError::NoIce},
        {replaced(good, pwd, ""), SdpError::NoIce},
        {replaced(good, "Ab+/", "Ab+"), SdpError::NoIce},
        {replaced(good, "Ab+/", std::string(257, 'a')), SdpError::NoIce},
        {replaced(good, "Ab+/", "Ab:c"), SdpError::NoIce},
        {replaced(good, "abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrstu"), SdpError::NoIce},
        {replaced(good, "fingerprint:sha-256", "fingerprint:sha-1"), SdpError::NoFingerprint},
        {replaced(good, ":EE:FF\r", ":EE\r"), SdpError::NoFingerprint},
        {replaced(good, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), SdpError::NotDtls},
        {replaced(good, "a=rtcp-mux\r\n", ""), SdpError::NoRtcpMux},
        {replaced(good, "a=extmap-allow-mixed", "a=ice-lite"), SdpError::RemoteIceLite},
    };
    for (const auto& [text, expected] : cases) EXPECT_EQ(error_of(text), expected) << text;
}

TEST(SdpOffer, RefusesWhatIsNoDescription) {
    const std::string good = chromium();
    const std::vector<std::string> cases = {
        "",
        "\r\n\r\n",
        "hello",
        "{\"sdp\": 1}",
        good.substr(5),
        replaced(good, "v=0", "v=1"),
        replaced(good, "s=-", "s=-\r\nnonsense"),
        replaced(good, "s=-", "s=-\r\n==x"),
        replaced(good, "s=-", "s"),
        replaced(good, "s=-", std::string("s=\0", 3)),
        replaced(good, "a=mid:0", "a=mid:"),
        replaced(good, "a=mid:0", "a=mid:a b"),
        replaced(good, "a=mid:0", "a=mid:a\x01"),
        replaced(good, "a=mid:0", "a=mid:" + std::string(257, 'a')),
        replaced(good, "m=audio 9", "m=audio"),
        replaced(good, "m=audio 9", "m=audio -1"),
        replaced(good, "m=audio 9", "m=audio 65536"),
        replaced(good, "m=audio 9", "m=audio 99999999999999999999999"),
        replaced(good, "m=audio 9", "m=au;dio 9"),
        replaced(good, "SAVPF 111 63 9 0 8 13 110 126", "SAVPF"),
        replaced(good, "SAVPF 111", "SAVPF 1\t(11)"),
        replaced(good, "a=ssrc:1234567890", "a=ssrc:4294967296"),
        replaced(good, "a=setup:actpass", "a=setup:holdconn"),
        replaced(good, "\r\nt=0", "\rt=0"),
    };
    for (const std::string& text : cases) EXPECT_EQ(error_of(text), SdpError::Malformed) << text;
}

TEST(SdpOffer, HasLimits) {
    std::string long_line = chromium();
    long_line.append("a=x:").append(kMaxSdpBytes, 'x');
    EXPECT_EQ(error_of(long_line), SdpError::TooLarge);
    std::string just_fits = chromium();
    just_fits.append("a=x:").append(kMaxSdpBytes - just_fits.size(), 'x');
    ASSERT_EQ(just_fits.size(), kMaxSdpBytes);
    EXPECT_EQ(error_of(just_fits), std::nullopt);
    just_fits += 'x';
    EXPECT_EQ(error_of(just_fits), SdpError::TooLarge);

    std::string sections = chromium();
    for (int i = 0; i < 10'000; ++i) sections += "m=a 0 b c\n";
    EXPECT_EQ(error_of(sections), SdpError::TooLarge);
    EXPECT_EQ(error_of(sections.substr(0, kMaxSdpBytes)), SdpError::TooLarge);

    std::string lines = chromium();
    for (std::size_t i = 0; i < kMaxSdpLines; ++i) lines += "a=x\n";
    EXPECT_EQ(error_of(lines), SdpError::TooLarge);

    std::string formats;
    for (int i = 0; i < 200; ++i) formats += " 1";
    EXPECT_EQ(error_of(replaced(chromium(), " 111 63", formats + " 111 63")), SdpError::Malformed);
}

TEST(SdpOffer, HasDefaults) {
    const SdpOffer offer =
        parsed(replaced(replaced(chromium(), "a=sendonly\r\n", ""), "a=setup:actpass\r\n", ""));
    EXPECT_EQ(offer.direction, SdpDirection::SendRecv);
    EXPECT_EQ(offer.setup, SdpSetup::Active);
    const SdpOffer session = parsed(
        replaced(replaced(chromium(), "a=sendonly\r\n", ""), "t=0 0", "t=0 0\r\na=inactive"));
    EXPECT_EQ(session.direction, SdpDirection::Inactive);
}

TEST(Sdp, DirectionsFitOrDoNot) {
    EXPECT_TRUE(fits(SdpDirection::SendRecv, true));
    EXPECT_TRUE(fits(SdpDirection::SendRecv, false));
    EXPECT_TRUE(fits(SdpDirection::SendOnly, true));
    EXPECT_FALSE(fits(SdpDirection::SendOnly, false));
    EXPECT_FALSE(fits(SdpDirection::RecvOnly, true));
    EXPECT_TRUE(fits(SdpDirection::RecvOnly, false));
    EXPECT_FALSE(fits(SdpDirection::Inactive, true));
    EXPECT_FALSE(fits(SdpDirection::Inactive, false));
}

TEST(Sdp, WeAreTheServerWhereverWeMay) {
    EXPECT_EQ(answering_role(SdpSetup::ActPass), DtlsRole::Server);
    EXPECT_EQ(answering_role(SdpSetup::Active), DtlsRole::Server);
    EXPECT_EQ(answering_role(SdpSetup::Passive), DtlsRole::Client);
}

TEST(Sdp, EveryErrorHasASentenceOfItsOwn) {
    std::set<std::string_view> sentences;
    for (int i = 0; i <= static_cast<int>(SdpError::WrongDirection); ++i) {
        const std::string_view sentence = describe(static_cast<SdpError>(i));
        EXPECT_TRUE(sentence.ends_with('.')) << sentence;
        EXPECT_TRUE(sentences.insert(sentence).second) << sentence;
    }
}

SdpAnswer answer_for(bool receive) {
    SdpAnswer answer;
    answer.ice = {"srvU", "0123456789abcdefghijkl"};
    answer.role = DtlsRole::Server;
    answer.candidates = {*Endpoint::parse("192.0.2.1:8000"),
                         *Endpoint::parse("[2001:db8::1]:8000")};
    answer.receive = receive;
    answer.ssrc = 4242;
    answer.stream_id = "hushcast";
    answer.cname = "here";
    answer.session_id = 0xffffffffffffffff;
    return answer;
}

TEST(SdpAnswer, ToAPublisherInFull) {
    const std::string text = write_answer(parsed(chromium()), answer_for(true));
    EXPECT_EQ(text, crlf("v=0\n"
                         "o=- 9223372036854775807 1 IN IP4 0.0.0.0\n"
                         "s=-\n"
                         "t=0 0\n"
                         "a=group:BUNDLE 0\n"
                         "a=ice-lite\n"
                         "m=audio 8000 UDP/TLS/RTP/SAVPF 111\n"
                         "c=IN IP4 192.0.2.1\n"
                         "a=mid:0\n"
                         "a=recvonly\n"
                         "a=rtcp-mux\n"
                         "a=rtcp-rsize\n"
                         "a=ice-ufrag:srvU\n"
                         "a=ice-pwd:0123456789abcdefghijkl\n"
                         "a=fingerprint:sha-256 " +
                         to_string(Fingerprint{}) +
                         "\n"
                         "a=setup:passive\n"
                         "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n"
                         "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\n"
                         "a=rtpmap:111 opus/48000/2\n"
                         "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=128000\n"
                         "a=ptime:10\n"
                         "a=rtcp-fb:111 nack\n"
                         "a=candidate:1 1 udp 2130706431 192.0.2.1 8000 typ host\n"
                         "a=candidate:2 1 udp 2130706175 2001:db8::1 8000 typ host\n"
                         "a=end-of-candidates\n"));
}

TEST(SdpAnswer, ToAListenerNamesWhatIsSent) {
    const std::string text = write_answer(parsed(firefox()), answer_for(false));
    EXPECT_THAT(text,
                AllOf(HasSubstr("a=sendonly\r\n"), HasSubstr("a=msid:hushcast hushcast-audio\r\n"),
                      HasSubstr("a=ssrc:4242 cname:here\r\n"), HasSubstr("a=rtcp-fb:109 nack\r\n"),
                      Not(HasSubstr("transport-cc")), Not(HasSubstr("extmap")),
                      Not(HasSubstr("ptime:")), Not(HasSubstr("recvonly"))));
}

TEST(SdpAnswer, RejectsTheRestInOrder) {
    const std::string text = write_answer(parsed(safari_video_first()), answer_for(true));
    EXPECT_THAT(text,
                AllOf(HasSubstr("a=group:BUNDLE a\r\n"),
                      HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\n"
                                "a=inactive\r\nm=audio 8000")));
    const std::string fox = write_answer(parsed(firefox()), answer_for(false));
    EXPECT_LT(fox.find("m=audio 8000"), fox.find("m=video 0 "));
    EXPECT_LT(fox.find("m=video 0 "), fox.find("m=application 0 UDP/DTLS/SCTP webrtc-datachannel"));
}

TEST(SdpAnswer, AdaptsToTheOffer) {
    SdpAnswer answer = answer_for(true);
    answer.role = DtlsRole::Client;
    answer.candidates = {*Endpoint::parse("[2001:db8::1]:9000")};
    std::string offer = replaced(gstreamer(), "SAVPF", "SAVP");
    offer = replaced(offer, "a=mid:audio0\r\n", "");
    const std::string text = write_answer(parsed(offer), answer);
    EXPECT_THAT(text,
                AllOf(HasSubstr("a=setup:active\r\n"), HasSubstr("c=IN IP6 2001:db8::1\r\n"),
                      HasSubstr("m=audio 9000 UDP/TLS/RTP/SAVP 97\r\n"), Not(HasSubstr("rtcp-fb")),
                      Not(HasSubstr("a=mid")), Not(HasSubstr("BUNDLE")), Not(HasSubstr("rsize"))));
    answer.candidates.clear();
    EXPECT_THAT(write_answer(parsed(offer), answer),
                HasSubstr("m=audio 9 UDP/TLS/RTP/SAVP 97\r\n"));
}

}  // namespace
}  // namespace hushcast::rtc
