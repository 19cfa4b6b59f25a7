#include "media/opus_codec.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opus/opus.h>

#include "media/test_snr.hpp"

namespace hushcast::media {
namespace {

using Payload = std::vector<std::uint8_t>;

/// A gliding harmonic tone under a syllable-like envelope: enough like speech for a speech codec.
std::vector<float> voice(std::size_t samples) {
    std::vector<float> sound(samples);
    double phase = 0.0;
    for (std::size_t i = 0; i < samples; ++i) {
        const double t = static_cast<double>(i) / kSampleRateHz;
        phase += 2.0 * std::numbers::pi * (140.0 + 30.0 * std::sin(3.0 * t)) / kSampleRateHz;
        double value = 0.0;
        for (int harmonic = 1; harmonic <= 12; ++harmonic) {
            value += std::sin(phase * harmonic) / harmonic;
        }
        sound[i] = static_cast<float>(0.15 * value *
                                      (0.6 + 0.4 * std::sin(2.0 * std::numbers::pi * 4.0 * t)));
    }
    return sound;
}

Payload encode(Encoder& encoder, std::span<const float> pcm) {
    Payload payload(kMaxPayloadBytes);
    payload.resize(encoder.encode(pcm, payload));
    return payload;
}

/// Speech as a voice call on a thin line sends it: SILK, 20 ms, with forward error correction.
std::vector<Payload> silk_packets(std::span<const float> sound) {
    int error = 0;
    const std::unique_ptr<OpusEncoder, decltype(&opus_encoder_destroy)> encoder(
        opus_encoder_create(kSampleRateHz, 1, OPUS_APPLICATION_VOIP, &error),
        &opus_encoder_destroy);
    opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(24'000));
    opus_encoder_ctl(encoder.get(), OPUS_SET_INBAND_FEC(1));
    opus_encoder_ctl(encoder.get(), OPUS_SET_PACKET_LOSS_PERC(25));
    opus_encoder_ctl(encoder.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    std::vector<Payload> packets;
    for (std::size_t at = 0; at + 960 <= sound.size(); at += 960) {
        Payload payload(kMaxPayloadBytes);
        const int bytes = opus_encode_float(encoder.get(), sound.data() + at, 960, payload.data(),
                                            static_cast<opus_int32>(payload.size()));
        payload.resize(static_cast<std::size_t>(std::max(bytes, 0)));
        packets.push_back(payload);
    }
    return packets;
}

TEST(PacketSamples, FollowsTheTableOfTheRfc) {
    // Config numbers and durations of RFC 6716 table 2, one frame each.
    EXPECT_EQ(packet_samples(Payload{0 << 3, 1}), 480U);
    EXPECT_EQ(packet_samples(Payload{3 << 3, 1}), 2880U);
    EXPECT_EQ(packet_samples(Payload{13 << 3, 1}), 960U);
    EXPECT_EQ(packet_samples(Payload{16 << 3, 1}), 120U);
    EXPECT_EQ(packet_samples(Payload{31 << 3, 1}), 960U);
    EXPECT_EQ(packet_samples(Payload{31 << 3}), 960U) << "a TOC alone is DTX and lasts as long";
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 1, 1, 2}), 1920U) << "two frames of one size";
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 3, 3, 1, 2, 3}), 2880U) << "a counted three";
}

TEST(PacketSamples, RefusesWhatIsNoPacket) {
    EXPECT_EQ(packet_samples({}), 0U);
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 1, 1}), 0U) << "two frames cannot share one byte";
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 3}), 0U) << "no frame count";
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 3, 0}), 0U) << "no frames";
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 3, 7, 1, 1, 1, 1, 1, 1, 1}), 0U) << "140 ms";
    EXPECT_EQ(packet_samples(Payload{31 << 3 | 2, 200, 1}), 0U) << "first frame past the end";
    EXPECT_EQ(packet_samples(Payload(70'000, 0)), 0U);
}

TEST(IsDtx, MeansAtMostOneByteAfterTheToc) {
    EXPECT_TRUE(is_dtx(Payload{0x78}));
    EXPECT_TRUE(is_dtx(Payload{0x78, 0}));
    EXPECT_FALSE(is_dtx(Payload{0x78, 0, 0}));
}

TEST(HasFec, OnlyInSpeechModes) {
    EXPECT_FALSE(has_fec({}));
    EXPECT_FALSE(has_fec(Payload{31 << 3, 0xFF, 0xFF})) << "CELT has no such bit";
    EXPECT_TRUE(has_fec(Payload{9 << 3, 0x40, 0})) << "20 ms: one activity bit, then the flag";
    EXPECT_FALSE(has_fec(Payload{9 << 3, 0x80, 0}));
    EXPECT_TRUE(has_fec(Payload{11 << 3, 0x10, 0})) << "60 ms: three activity bits";
    EXPECT_FALSE(has_fec(Payload{11 << 3, 0x60, 0}));
    EXPECT_TRUE(has_fec(Payload{9 << 3 | 4, 0x10, 0})) << "the side channel's flag";
    EXPECT_FALSE(has_fec(Payload{9 << 3})) << "no frame to look into";
}

TEST(Codec, RoundTripIsTransparentAt64Kbps) {
    const std::vector<float> sound = voice(kSampleRateHz * 2);
    Encoder encoder({});
    Decoder decoder;
    std::vector<float> heard(sound.size());
    std::size_t bytes = 0;
    for (std::size_t at = 0; at < sound.size(); at += 960) {
        const Payload payload = encode(encoder, std::span(sound).subspan(at, 960));
        bytes += payload.size();
        ASSERT_EQ(decoder.decode(payload, std::span(heard).subspan(at, 960)), 960U);
    }
    const std::size_t delay = encoder.delay_samples();
    EXPECT_EQ(delay, 312U) << "6.5 ms";
    const std::size_t settled = kSampleRateHz / 2;
    const std::size_t compared = sound.size() - settled - delay;
    EXPECT_GT(snr_db(std::span(sound).subspan(settled, compared),
                     std::span(heard).subspan(settled + delay, compared)),
              20.0);
    EXPECT_NEAR(static_cast<double>(bytes) * 8 / 2, 64'000.0, 8'000.0);
}

TEST(Codec, EveryFrameSizeComesBackAsLong) {
    Decoder decoder;
    for (const std::size_t samples : {120U, 240U, 480U, 960U, 1920U, 2880U}) {
        Encoder encoder({});
        const Payload payload = encode(encoder, voice(samples));
        ASSERT_FALSE(payload.empty());
        EXPECT_EQ(packet_samples(payload), samples);
        std::vector<float> heard(kMaxPacketSamples);
        EXPECT_EQ(decoder.decode(payload, heard), samples);
    }
}

TEST(Encoder, RefusesOddSizesAndSurvivesNonNumbers) {
    Encoder encoder({.bitrate_bps = 1'000'000'000, .complexity = 99});
    Payload out(kMaxPayloadBytes);
    EXPECT_EQ(encoder.encode(std::vector<float>(481), out), 0U);
    EXPECT_EQ(encoder.encode({}, out), 0U);
    EXPECT_EQ(encoder.encode(std::vector<float>(480), {}), 0U);

    std::vector<float> broken(480, std::numeric_limits<float>::quiet_NaN());
    broken[7] = std::numeric_limits<float>::infinity();
    Decoder decoder;
    std::vector<float> heard(480);
    for (int i = 0; i < 20; ++i) {
        const std::size_t bytes = encoder.encode(i < 3 ? broken : voice(480), out);
        ASSERT_GT(bytes, 0U);
        ASSERT_EQ(decoder.decode(Bytes(out).first(bytes), heard), 480U);
        EXPECT_TRUE(std::ranges::all_of(heard, [](float x) { return std::abs(x) < 2.0F; }));
    }
    EXPECT_GT(std::abs(*std::ranges::max_element(heard)), 0.01F)
        << "sound again after the broken input";
}

TEST(Decoder, MixesStereoDown) {
    int error = 0;
    const std::unique_ptr<OpusEncoder, decltype(&opus_encoder_destroy)> encoder(
        opus_encoder_create(kSampleRateHz, 2, OPUS_APPLICATION_AUDIO, &error),
        &opus_encoder_destroy);
    opus_encoder_ctl(encoder.get(), OPUS_SET_BITRATE(128'000));
    const std::vector<float> sound = voice(9'600);
    Decoder decoder;
    std::vector<float> heard(960);
    for (std::size_t at = 0; at < sound.size(); at += 960) {
        std::vector<float> left_only(1'920);
        for (std::size_t i = 0; i < 960; ++i) left_only[2 * i] = sound[at + i];
        Payload payload(kMaxPayloadBytes);
        const int bytes =
            opus_encode_float(encoder.get(), left_only.data(), 960, payload.data(), 1'275);
        ASSERT_GT(bytes, 0);
        ASSERT_EQ(decoder.decode(Bytes(payload).first(static_cast<std::size_t>(bytes)), heard),
                  960U);
    }
    const auto wanted = std::span(sound).subspan(9'600 - 960 - 312, 960);
    std::vector<float> half(wanted.begin(), wanted.end());
    for (float& value : half) value *= 0.5F;
    EXPECT_GT(snr_db(half, heard), 10.0);
}

TEST(Decoder, GoesOnAfterGarbage) {
    std::mt19937 random(7);
    Encoder encoder({});
    Decoder decoder;
    const std::vector<float> sound = voice(kSampleRateHz);
    std::vector<float> heard(kMaxPacketSamples);
    for (int i = 0; i < 3'000; ++i) {
        Payload garbage(1 + random() % 200);
        for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
        EXPECT_LE(decoder.decode(garbage, heard), kMaxPacketSamples);
        decoder.decode_fec(garbage, std::span(heard).first(960));
    }
    std::vector<float> clean(sound.size());
    for (std::size_t at = 0; at < sound.size(); at += 960) {
        const Payload payload = encode(encoder, std::span(sound).subspan(at, 960));
        ASSERT_EQ(decoder.decode(payload, std::span(clean).subspan(at, 960)), 960U);
    }
    const std::size_t half = sound.size() / 2;
    EXPECT_GT(
        snr_db(std::span(sound).subspan(half, half - 312), std::span(clean).subspan(half + 312)),
        20.0);
}

TEST(Decoder, RefusesRoomThatIsTooSmallAndGarbage) {
    Encoder encoder({});
    Decoder decoder;
    std::vector<float> heard(480);
    EXPECT_EQ(decoder.decode(encode(encoder, voice(960)), heard), 0U);
    EXPECT_EQ(decoder.decode({}, heard), 0U);
}

TEST(Decoder, ConcealmentGoesOnAndFillsExactly) {
    Encoder encoder({});
    Decoder decoder;
    const std::vector<float> sound = voice(9'600);
    std::vector<float> heard(960);
    for (std::size_t at = 0; at < sound.size(); at += 960) {
        decoder.decode(encode(encoder, std::span(sound).subspan(at, 960)), heard);
    }
    std::vector<float> first(960, 9.0F);
    decoder.conceal(first);
    EXPECT_GT(*std::ranges::max_element(first), 0.05F) << "at first the sound goes on";
    EXPECT_LT(*std::ranges::max_element(first), 1.0F) << "every sample was written";
    std::vector<float> odd(121, 9.0F);
    decoder.conceal(odd);
    EXPECT_THAT(odd, testing::Each(0.0F)) << "a length that libopus refuses is silence";
}

TEST(Decoder, ForwardErrorCorrectionBeatsConcealment) {
    const std::vector<float> sound = voice(kSampleRateHz * 2);
    const std::vector<Payload> packets = silk_packets(sound);
    Decoder whole;
    Decoder with_fec;
    Decoder without;
    std::vector<float> wanted;
    std::vector<float> recovered;
    std::vector<float> concealed;
    std::vector<float> frame(960);
    const auto keep = [&frame](std::vector<float>& into) {
        into.insert(into.end(), frame.begin(), frame.end());
    };
    std::size_t losses = 0;
    for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
        ASSERT_EQ(whole.decode(packets[i], frame), 960U);
        const bool lost = i % 8 == 7 && has_fec(packets[i + 1]);
        if (!lost) {
            with_fec.decode(packets[i], frame);
            without.decode(packets[i], frame);
            continue;
        }
        ++losses;
        keep(wanted);
        with_fec.decode_fec(packets[i + 1], frame);
        keep(recovered);
        without.conceal(frame);
        keep(concealed);
    }
    ASSERT_GT(losses, 5U) << "the encoder wrote no FEC to test";
    EXPECT_GT(snr_db(wanted, recovered), snr_db(wanted, concealed) + 3.0);
}

}  // namespace
}  // namespace hushcast::media
