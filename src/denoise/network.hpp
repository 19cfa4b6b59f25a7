// The weights of a DeepFilterNet, ready for the kernels, and what is known of their shapes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "denoise/matrix.hpp"
#include "denoise/model_config.hpp"
#include "denoise/onnx_layers.hpp"

namespace hushcast::denoise {

inline constexpr std::size_t kFftSize = 960;
inline constexpr std::size_t kBins = 481;   ///< of 50 Hz
inline constexpr std::size_t kBands = 32;   ///< ERB bands: the mask has one gain for each
inline constexpr std::size_t kDfBins = 96;  ///< lowest bins, which the filter works on
/// Layers of 1×3 over frequency halve the bands twice and the bins once.
inline constexpr std::array<std::size_t, 4> kEncoderRows = {kBands, kBands / 2, kBands / 4,
                                                            kBands / 4};
inline constexpr std::size_t kDfRows = kDfBins / 2;

/// Input in equal parts, each times a matrix of its own, results side by side.
struct GroupedLinear {
    std::vector<Matrix> parts;

    [[nodiscard]] std::size_t inputs() const { return parts.size() * parts.front().inner(); }
    [[nodiscard]] std::size_t outputs() const { return parts.size() * parts.front().columns(); }
};

struct Gru {
    Matrix input;      ///< [inputs → 3 · hidden], gates z, r, n, its half of the bias
    Matrix recurrent;  ///< [hidden → 3 · hidden], likewise

    [[nodiscard]] std::size_t hidden() const { return recurrent.inner(); }
};

/// A kernel of 3 over frequency per channel and then all channels with each other.
struct Separable {
    Floats spatial;  ///< [3][channels]
    Matrix pointwise;
};

/// A gain and an offset per channel, then ReLU: how the decoder takes what the encoder saw.
struct Pathway {
    Floats gain;
    Floats offset;
};

struct Encoder {
    Matrix conv0;  ///< 9 = 3 hops × 3 bands → channels
    std::array<Separable, 3> conv;
    /// 18 = (re, im) × 3 hops × 3 bins → channels: the grouped convolution and the pointwise one
    /// after it, multiplied into one matrix, for nothing stands between the two.
    Matrix df_conv0;
    Separable df_conv1;
    GroupedLinear df_fc_emb;
    GroupedLinear linear_in;
    std::vector<Gru> grus;
    GroupedLinear linear_out;  ///< without parts in DeepFilterNet2
    Matrix lsnr;
};

struct ErbDecoder {
    GroupedLinear linear_in;
    std::vector<Gru> grus;
    GroupedLinear linear_out;
    std::array<Pathway, 4> pathways;  ///< of e0…e3
    std::array<Separable, 3> conv;    ///< after e3, e2, e1: plain, transposed, transposed
    Matrix out;                       ///< 3 bands × channels → 1
};

struct DfDecoder {
    GroupedLinear linear_in;
    std::vector<Gru> grus;
    GroupedLinear skip;  ///< without parts in DeepFilterNet2
    GroupedLinear out;
    /// Convolution over time, by the two halves of the channels: channels / 2 → [tap, newest
    /// first][order].
    std::array<Matrix, 2> pathway;
    std::size_t pathway_taps = 0;
    Matrix pathway_mix;  ///< 2 · order → 2 · order
};

/// Everything that is shared and never changes. Where the generations differ:
/// - DeepFilterNet2 concatenates the two halves of the encoder, 3 adds them;
/// - 2 adds the input of each decoder's GRUs to their output, 3 does so through `skip` and only for
/// the filter;
/// - 2 filters the masked spectrum, 3 the noisy one; the post filter works on 2's mask and on 3's
/// result.
class Weights {
public:
    ModelConfig config;
    /// DeepFilterNet2 only: frames ahead get the gains of the frame being filtered, for less delay.
    bool short_form = false;
    std::string title;

    std::size_t channels = 0;
    Encoder encoder;
    ErbDecoder erb;
    DfDecoder df;

    /// Hops between a frame's arrival and its result.
    [[nodiscard]] std::size_t lookahead() const {
        if (config.generation == Generation::DeepFilterNet2 && !short_form) {
            return config.conv_lookahead + config.df_lookahead;
        }
        return std::max(config.conv_lookahead, config.df_lookahead);
    }
    [[nodiscard]] std::size_t embedding() const { return df.linear_in.inputs(); }
    [[nodiscard]] std::size_t joined_inputs() const { return encoder.linear_in.inputs(); }
    /// Numbers that the GRUs of one stream remember.
    [[nodiscard]] std::size_t hidden_total() const;
    [[nodiscard]] std::size_t coefficients() const { return kDfBins * 2 * config.df_order; }
};

/// The four files of a model, in memory.
struct ModelBytes {
    Bytes encoder;
    Bytes erb_decoder;
    Bytes df_decoder;
    std::string_view config;
};

/// Reads the files and checks that every layer is there and that every shape fits the others.
Result<std::shared_ptr<Weights>, ModelError> build_weights(const ModelBytes& files);

}  // namespace hushcast::denoise
