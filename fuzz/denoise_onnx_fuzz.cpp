// The three networks of a model: one byte for the generation, then each file with its length before
// it in two bytes, the last one to the end. The corpus holds the smallest whole model.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "denoise/network.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    hushcast::ByteReader reader({data, size});
    const bool second = reader.u8() % 2 == 0;
    const hushcast::Bytes encoder = reader.bytes(reader.u16());
    const hushcast::Bytes erb_decoder = reader.bytes(reader.u16());
    const std::string config =
        std::string("[train]\nmodel = ") + (second ? "deepfilternet2" : "deepfilternet3") +
        "\n[df]\nsr = 48000\nfft_size = 960\nhop_size = 480\nnb_erb = 32\nnb_df = 96\n"
        "norm_tau = 1\nmin_nb_erb_freqs = 2\ndf_order = 1\ndf_lookahead = 0\n"
        "conv_lookahead = 0\n";
    static_cast<void>(
        hushcast::denoise::build_weights({encoder, erb_decoder, reader.rest(), config}));
    return 0;
}
