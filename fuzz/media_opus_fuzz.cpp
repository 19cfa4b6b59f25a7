// Bytes as Opus packets: parsed, decoded, used for error correction; each packet behind its length.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/bytes.hpp"
#include "media/opus_codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace media = hushcast::media;
    hushcast::ByteReader in({data, size});
    media::Decoder decoder;
    std::vector<float> out(media::kMaxPacketSamples);
    while (in.remaining() > 0) {
        const hushcast::Bytes packet = in.bytes(std::min<std::size_t>(in.u8(), in.remaining()));
        const std::size_t samples = media::packet_samples(packet);
        if (samples > media::kMaxPacketSamples) std::abort();
        const std::size_t decoded = decoder.decode(packet, out);
        if (decoded != 0 && decoded != samples) std::abort();
        if (media::has_fec(packet) && samples == 0) std::abort();
        decoder.decode_fec(packet, std::span(out).first(960));
        decoder.conceal(std::span(out).first(480));
        if (!std::ranges::all_of(out, [](float sample) { return std::isfinite(sample); })) {
            std::abort();
        }
    }
    return 0;
}
