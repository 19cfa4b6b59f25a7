#include "media/opus_codec.hpp"

#include <algorithm>
#include <array>
#include <new>

#include <opus/opus.h>

namespace hushcast::media {

namespace {

/// Pieces that concealment comes in: 2.5 ms.
constexpr std::size_t kConcealGrid = 120;
/// The longest packet that can be parsed without reading past it; longer ones are nobody's.
constexpr std::size_t kMaxParsedBytes = 64 * 1024;

opus_int32 length_of(Bytes bytes) {
    return static_cast<opus_int32>(std::min(bytes.size(), kMaxParsedBytes));
}

int frame_size_of(std::span<float> out) {
    return static_cast<int>(std::min(out.size(), 2 * kMaxPacketSamples));
}

/// Fills what libopus would not: `got` is its answer, a count of samples or a negative error.
void silence_rest(int got, std::span<float> out) {
    const auto filled = static_cast<std::size_t>(std::max(got, 0));
    if (filled < out.size()) std::ranges::fill(out.subspan(filled), 0.0F);
}

}  // namespace

std::size_t packet_samples(Bytes packet) {
    if (packet.empty() || packet.size() > kMaxParsedBytes) return 0;
    // Parsing checks the frames' lengths too, which counting frames by the TOC alone does not.
    std::array<opus_int16, 48> sizes{};
    const int frames = opus_packet_parse(packet.data(), length_of(packet), nullptr, nullptr,
                                         sizes.data(), nullptr);
    if (frames <= 0) return 0;
    const auto samples =
        static_cast<std::size_t>(frames) *
        static_cast<std::size_t>(opus_packet_get_samples_per_frame(packet.data(), kSampleRateHz));
    return samples <= kMaxPacketSamples ? samples : 0;
}

bool is_dtx(Bytes packet) { return packet.size() <= 2; }

bool has_fec(Bytes packet) {
    constexpr std::uint8_t kFirstCeltConfig = 16;
    constexpr std::uint8_t kStereo = 0x04;
    if (packet_samples(packet) == 0 || packet[0] >> 3 >= kFirstCeltConfig) return false;

    std::array<const unsigned char*, 48> frames{};
    std::array<opus_int16, 48> sizes{};
    const int count = opus_packet_parse(packet.data(), length_of(packet), nullptr, frames.data(),
                                        sizes.data(), nullptr);
    if (count <= 0 || sizes[0] < 1) return false;

    // A frame opens with one bit per 20 ms of voice activity, then the LBRR flag, first for the mid
    // and then for the side channel; each is as likely as not, so the range coder writes plain
    // bits.
    const int frame_samples = opus_packet_get_samples_per_frame(packet.data(), kSampleRateHz);
    const int activity_bits = std::max(1, frame_samples / 960);
    const unsigned first = *frames[0];
    const bool mid = (first >> (7 - activity_bits) & 1U) != 0;
    const bool side = (packet[0] & kStereo) != 0 && (first >> (6 - 2 * activity_bits) & 1U) != 0;
    return mid || side;
}

void Decoder::Deleter::operator()(OpusDecoder* decoder) const noexcept {
    opus_decoder_destroy(decoder);
}

Decoder::Decoder() : decoder_(opus_decoder_create(kSampleRateHz, 1, nullptr)) {
    if (!decoder_) throw std::bad_alloc();
}

std::size_t Decoder::decode(Bytes packet, std::span<float> out) {
    const std::size_t samples = packet_samples(packet);
    if (samples == 0 || samples > out.size()) return 0;
    const int got = opus_decode_float(decoder_.get(), packet.data(), length_of(packet), out.data(),
                                      frame_size_of(out), 0);
    return static_cast<std::size_t>(std::max(got, 0));
}

void Decoder::decode_fec(Bytes next, std::span<float> out) {
    if (!has_fec(next)) return conceal(out);
    const int got = opus_decode_float(decoder_.get(), next.data(), length_of(next), out.data(),
                                      frame_size_of(out), 1);
    silence_rest(got, out);
}

void Decoder::conceal(std::span<float> out) {
    const int got =
        out.size() % kConcealGrid == 0 && !out.empty()
            ? opus_decode_float(decoder_.get(), nullptr, 0, out.data(), frame_size_of(out), 0)
            : 0;
    silence_rest(got, out);
}

void Decoder::reset() { opus_decoder_ctl(decoder_.get(), OPUS_RESET_STATE); }

void Encoder::Deleter::operator()(OpusEncoder* encoder) const noexcept {
    opus_encoder_destroy(encoder);
}

Encoder::Encoder(const Settings& settings)
    : encoder_(opus_encoder_create(kSampleRateHz, 1, OPUS_APPLICATION_AUDIO, nullptr)) {
    if (!encoder_) throw std::bad_alloc();
    // libopus refuses what is out of range and keeps its default, hence the clamps. Constrained
    // VBR, automatic signal type and no DTX are its defaults and ours.
    opus_encoder_ctl(encoder_.get(),
                     OPUS_SET_BITRATE(std::clamp(settings.bitrate_bps, 6'000, 510'000)));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(std::clamp(settings.complexity, 0, 10)));
    opus_encoder_ctl(encoder_.get(), OPUS_SET_INBAND_FEC(settings.inband_fec ? 1 : 0));
}

void Encoder::set_expected_loss(int percent) {
    opus_encoder_ctl(encoder_.get(), OPUS_SET_PACKET_LOSS_PERC(std::clamp(percent, 0, 100)));
}

std::size_t Encoder::encode(std::span<const float> pcm, MutableBytes out) {
    constexpr std::array<std::size_t, 6> kFrameSizes = {120, 240, 480, 960, 1920, 2880};
    if (std::ranges::find(kFrameSizes, pcm.size()) == kFrameSizes.end() || out.empty()) return 0;
    const auto room = static_cast<opus_int32>(std::min(out.size(), kMaxPayloadBytes));
    const int got = opus_encode_float(encoder_.get(), pcm.data(), static_cast<int>(pcm.size()),
                                      out.data(), room);
    return static_cast<std::size_t>(std::max(got, 0));
}

std::size_t Encoder::delay_samples() const {
    opus_int32 samples = 0;
    opus_encoder_ctl(encoder_.get(), OPUS_GET_LOOKAHEAD(&samples));
    return static_cast<std::size_t>(std::max(samples, 0));
}

}  // namespace hushcast::media
