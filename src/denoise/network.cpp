#include "denoise/network.hpp"

#include <algorithm>
#include <string>

namespace hushcast::denoise {
namespace {

/// Sane upper limits, several times the official sizes: they bound memory and time, nothing else.
constexpr std::size_t kMaxChannels = 256;
constexpr std::size_t kMaxHidden = 1024;
constexpr std::size_t kMaxEmbedding = 4096;
constexpr std::size_t kMaxGroups = 64;
constexpr std::size_t kMaxGruLayers = 4;
constexpr std::size_t kMaxPathwayTaps = 16;

using Shape = std::vector<std::size_t>;

std::string text_of(const Shape& shape) {
    std::string text = "[";
    for (const std::size_t size : shape) {
        text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    }
    return text + "]";
}

/// What is wrong with a file. Thrown and caught within this file alone: a reader of sixty layers
/// that asked after each whether to go on would bury the network under its error paths.
struct Fault {
    std::string message;
};

/// Hands out the layers of one file in order, holding each against what it must be.
class Reader {
public:
    explicit Reader(Modules modules) : modules_(std::move(modules)) {}

    [[noreturn]] static void fail(const std::string& module, const std::string& what) {
        throw Fault{"layer " + module + " " + what};
    }
    static void require(bool condition, const std::string& module, const std::string& what) {
        if (!condition) fail(module, what);
    }

    [[nodiscard]] bool has(const std::string& module) const { return modules_.contains(module); }
    /// Whether the module's next layer is of that type.
    [[nodiscard]] bool next_is(const std::string& module, std::string_view type) {
        const Layer* layer = peek(module);
        return layer != nullptr && layer->type == type;
    }
    /// The module's next layer, of that type and with that many weights.
    const Layer& take(const std::string& module, std::string_view type, std::size_t weights) {
        const Layer* layer = peek(module);
        if (layer == nullptr) fail(module, "is missing or has too few parts");
        if (layer->type != type || layer->weights.size() != weights) {
            fail(module, "has another kind of part than expected");
        }
        ++used_[module];
        return *layer;
    }

    /// The tensor's numbers, if it has this shape.
    static std::span<const float> values(const std::string& module,
                                         const Tensor& tensor,
                                         const Shape& shape) {
        if (tensor.shape != shape) {
            fail(module, "has shape " + text_of(tensor.shape) + " where " + text_of(shape) +
                             " is expected");
        }
        return tensor.values;
    }
    /// Dimension `at` of the tensor, if it lies in 1…limit.
    static std::size_t dimension(const std::string& module,
                                 const Tensor& tensor,
                                 std::size_t at,
                                 std::size_t limit) {
        if (at >= tensor.shape.size() || tensor.shape[at] > limit) {
            fail(module, "has an unexpected shape " + text_of(tensor.shape));
        }
        return tensor.shape[at];
    }

    GroupedLinear grouped_linear(const std::string& module);
    std::vector<Gru> grus(const std::string& module, std::size_t inputs);
    Separable separable(const std::string& module, std::size_t channels, std::size_t stride);
    Pathway pathway(const std::string& module, std::size_t channels);
    /// The module's next layer, a 1×1 convolution with bias.
    Matrix pointwise(const std::string& module, std::size_t channels);

private:
    const Layer* peek(const std::string& module) {
        const auto found = modules_.find(module);
        if (found == modules_.end()) return nullptr;
        const std::size_t next = used_[module];
        return next < found->second.size() ? &found->second[next] : nullptr;
    }

    Modules modules_;
    std::map<std::string, std::size_t> used_;
};

GroupedLinear Reader::grouped_linear(const std::string& module) {
    const Layer& layer = take(module, "Einsum", 1);
    const Tensor& tensor = layer.weights[0];
    const std::size_t groups = dimension(module, tensor, 0, kMaxGroups);
    const std::size_t inner = dimension(module, tensor, 1, kMaxEmbedding);
    const std::size_t columns = dimension(module, tensor, 2, kMaxEmbedding);
    const std::span<const float> all = values(module, tensor, {groups, inner, columns});
    GroupedLinear linear;
    for (std::size_t group = 0; group < groups; ++group) {
        const auto part = all.subspan(group * inner * columns, inner * columns);
        linear.parts.emplace_back(MatrixView{part, inner, columns, columns, 1});
    }
    return linear;
}

std::vector<Gru> Reader::grus(const std::string& module, std::size_t inputs) {
    std::vector<Gru> layers;
    do {
        const Layer& layer = take(module, "GRU", 3);
        require(layer.linear_before_reset, module, "resets before the product");
        require(layers.size() < kMaxGruLayers, module, "has too many GRU layers");
        const std::size_t hidden = dimension(module, layer.weights[1], 2, kMaxHidden);
        const auto input = values(module, layer.weights[0], {1, 3 * hidden, inputs});
        const auto recurrent = values(module, layer.weights[1], {1, 3 * hidden, hidden});
        const auto bias = values(module, layer.weights[2], {1, 6 * hidden});
        layers.push_back(
            {Matrix({input, inputs, 3 * hidden, 1, inputs}, bias.first(3 * hidden)),
             Matrix({recurrent, hidden, 3 * hidden, 1, hidden}, bias.last(3 * hidden))});
        inputs = hidden;
    } while (next_is(module, "GRU"));
    return layers;
}

Matrix Reader::pointwise(const std::string& module, std::size_t channels) {
    const Layer& layer = take(module, "Conv", 2);
    const auto weights = values(module, layer.weights[0], {channels, channels, 1, 1});
    const auto bias = values(module, layer.weights[1], {channels});
    return Matrix({weights, channels, channels, 1, channels}, bias);
}

Separable Reader::separable(const std::string& module, std::size_t channels, std::size_t stride) {
    const bool transposed = next_is(module, "ConvTranspose");
    const Layer& spatial = take(module, transposed ? "ConvTranspose" : "Conv", 1);
    require(spatial.groups == channels && spatial.strides == Shape{1, stride}, module,
            "has other groups or strides than expected");
    const auto weights = values(module, spatial.weights[0], {channels, 1, 1, 3});
    Separable layer{Floats(3 * channels), pointwise(module, channels)};
    for (std::size_t channel = 0; channel < channels; ++channel) {
        for (std::size_t tap = 0; tap < 3; ++tap) {
            layer.spatial[tap * channels + channel] = weights[channel * 3 + tap];
        }
    }
    return layer;
}

Pathway Reader::pathway(const std::string& module, std::size_t channels) {
    const Layer& layer = take(module, "Conv", 2);
    require(layer.groups == channels, module, "has other groups than expected");
    const auto gain = values(module, layer.weights[0], {channels, 1, 1, 1});
    const auto offset = values(module, layer.weights[1], {channels});
    return {Floats(gain.begin(), gain.end()), Floats(offset.begin(), offset.end())};
}

/// The 3×3 convolution in two groups and the pointwise one behind it as one matrix: row
/// (part · 9 + hop · 3 + bin), column = channel.
Matrix read_df_conv0(Reader& reader, std::size_t channels) {
    const std::string module = "df_conv0";
    const Layer& spatial = reader.take(module, "Conv", 1);
    reader.require(spatial.groups == 2 && channels % 2 == 0, module, "is not in two groups");
    const auto first = reader.values(module, spatial.weights[0], {channels, 1, 3, 3});
    const Layer& point = reader.take(module, "Conv", 2);
    const auto second = reader.values(module, point.weights[0], {channels, channels, 1, 1});
    const auto bias = reader.values(module, point.weights[1], {channels});
    std::vector<float> both(18 * channels);
    for (std::size_t input = 0; input < 18; ++input) {
        const std::size_t part = input / 9;
        for (std::size_t out = 0; out < channels; ++out) {
            double sum = 0.0;
            for (std::size_t mid = part * channels / 2; mid < (part + 1) * channels / 2; ++mid) {
                sum += static_cast<double>(second[out * channels + mid]) *
                       static_cast<double>(first[mid * 9 + input % 9]);
            }
            both[input * channels + out] = static_cast<float>(sum);
        }
    }
    return Matrix({both, 18, channels, channels, 1}, bias);
}

Encoder read_encoder(Reader& reader, Generation generation, std::size_t& channels) {
    Encoder encoder;
    const Layer& conv0 = reader.take("erb_conv0", "Conv", 2);
    channels = reader.dimension("erb_conv0", conv0.weights[0], 0, kMaxChannels);
    const auto weights = reader.values("erb_conv0", conv0.weights[0], {channels, 1, 3, 3});
    const auto bias = reader.values("erb_conv0", conv0.weights[1], {channels});
    encoder.conv0 = Matrix({weights, 9, channels, 1, 9}, bias);
    encoder.conv = {reader.separable("erb_conv1", channels, 2),
                    reader.separable("erb_conv2", channels, 2),
                    reader.separable("erb_conv3", channels, 1)};
    encoder.df_conv0 = read_df_conv0(reader, channels);
    encoder.df_conv1 = reader.separable("df_conv1", channels, 2);
    encoder.df_fc_emb = reader.grouped_linear("df_fc_emb");
    encoder.linear_in = reader.grouped_linear("emb_gru");
    encoder.grus = reader.grus("emb_gru", encoder.linear_in.outputs());
    std::size_t embedding = encoder.grus.back().hidden();
    if (generation == Generation::DeepFilterNet3) {
        encoder.linear_out = reader.grouped_linear("emb_gru");
        reader.require(encoder.linear_out.inputs() == embedding, "emb_gru", "does not fit its GRU");
        embedding = encoder.linear_out.outputs();
    }
    const auto lsnr =
        reader.values("lsnr_fc", reader.take("lsnr_fc", "MatMul", 1).weights[0], {embedding, 1});
    const auto lsnr_bias =
        reader.values("lsnr_fc", reader.take("lsnr_fc", "Add", 1).weights[0], {1});
    encoder.lsnr = Matrix({lsnr, embedding, 1, 1, 1}, lsnr_bias);

    const std::size_t flat_e3 = kEncoderRows[3] * channels;
    const std::size_t cemb = encoder.df_fc_emb.outputs();
    const bool joins = generation == Generation::DeepFilterNet2
                           ? encoder.linear_in.inputs() == flat_e3 + cemb
                           : encoder.linear_in.inputs() == flat_e3 && flat_e3 == cemb;
    reader.require(joins, "emb_gru", "does not fit the convolutions before it");
    reader.require(encoder.df_fc_emb.inputs() == kDfRows * channels, "df_fc_emb",
                   "does not fit df_conv1");
    return encoder;
}

ErbDecoder read_erb_decoder(Reader& reader, const Weights& so_far, std::size_t embedding) {
    const std::size_t channels = so_far.channels;
    ErbDecoder decoder;
    decoder.linear_in = reader.grouped_linear("emb_gru");
    decoder.grus = reader.grus("emb_gru", decoder.linear_in.outputs());
    decoder.linear_out = reader.grouped_linear("emb_gru");
    const std::size_t hidden = decoder.grus.back().hidden();
    reader.require(decoder.linear_in.inputs() == embedding, "emb_gru", "does not fit the encoder");
    reader.require(decoder.linear_out.inputs() == hidden, "emb_gru", "does not fit its GRU");
    reader.require(decoder.linear_out.outputs() == kEncoderRows[3] * channels, "emb_gru",
                   "does not fit convt3");
    if (so_far.config.generation == Generation::DeepFilterNet2) {
        reader.require(decoder.linear_in.outputs() == hidden, "emb_gru", "cannot be skipped");
    }
    for (std::size_t i = 0; i < decoder.pathways.size(); ++i) {
        decoder.pathways[i] = reader.pathway("conv" + std::to_string(i) + "p", channels);
    }
    reader.require(reader.next_is("convt3", "Conv") && reader.next_is("convt2", "ConvTranspose") &&
                       reader.next_is("convt1", "ConvTranspose"),
                   "convt3", "or another of its kind is missing");
    decoder.conv = {reader.separable("convt3", channels, 1),
                    reader.separable("convt2", channels, 2),
                    reader.separable("convt1", channels, 2)};
    const Layer& out = reader.take("conv0_out", "Conv", 2);
    const auto weights = reader.values("conv0_out", out.weights[0], {1, channels, 1, 3});
    const auto bias = reader.values("conv0_out", out.weights[1], {1});
    std::vector<float> by_tap(3 * channels);
    for (std::size_t at = 0; at < by_tap.size(); ++at) {
        by_tap[at] = weights[at % channels * 3 + at / channels];
    }
    decoder.out = Matrix({by_tap, 3 * channels, 1, 1, 1}, bias);
    return decoder;
}

DfDecoder read_df_decoder(Reader& reader, const Weights& so_far, std::size_t embedding) {
    const std::size_t channels = so_far.channels;
    const std::size_t order = so_far.config.df_order;
    DfDecoder decoder;
    decoder.linear_in = reader.grouped_linear("df_gru");
    decoder.grus = reader.grus("df_gru", decoder.linear_in.outputs());
    const std::size_t hidden = decoder.grus.back().hidden();
    reader.require(decoder.linear_in.inputs() == embedding, "df_gru", "does not fit the encoder");
    if (so_far.config.generation == Generation::DeepFilterNet3) {
        decoder.skip = reader.grouped_linear("df_skip");
        reader.require(decoder.skip.inputs() == embedding && decoder.skip.outputs() == hidden,
                       "df_skip", "does not fit its neighbours");
    } else {
        reader.require(!reader.has("df_skip"), "df_skip", "does not belong to DeepFilterNet2");
        reader.require(decoder.linear_in.outputs() == hidden, "df_gru", "cannot be skipped");
    }
    decoder.out = reader.grouped_linear("df_out");
    reader.require(decoder.out.inputs() == hidden, "df_out", "does not fit df_gru");
    reader.require(decoder.out.outputs() == so_far.coefficients(), "df_out",
                   "does not fit df_order");

    const Layer& over_time = reader.take("df_convp", "Conv", 1);
    reader.require(over_time.groups == 2, "df_convp", "is not in two groups");
    const std::size_t taps = reader.dimension("df_convp", over_time.weights[0], 2, kMaxPathwayTaps);
    const std::size_t half = channels / 2;
    const auto weights =
        reader.values("df_convp", over_time.weights[0], {2 * order, half, taps, 1});
    for (std::size_t part = 0; part < 2; ++part) {
        std::vector<float> packed(half * taps * order);
        for (std::size_t at = 0; at < packed.size(); ++at) {
            const std::size_t channel = at / (taps * order);
            const std::size_t age = at / order % taps;
            const std::size_t output = part * order + at % order;
            packed[at] = weights[(output * half + channel) * taps + (taps - 1 - age)];
        }
        decoder.pathway[part] = Matrix({packed, half, taps * order, taps * order, 1});
    }
    decoder.pathway_taps = taps;
    decoder.pathway_mix = reader.pointwise("df_convp", 2 * order);
    return decoder;
}

}  // namespace

std::size_t Weights::hidden_total() const {
    std::size_t total = 0;
    for (const std::vector<Gru>* grus : {&encoder.grus, &erb.grus, &df.grus}) {
        for (const Gru& gru : *grus) total += gru.hidden();
    }
    return total;
}

Result<std::shared_ptr<Weights>, ModelError> build_weights(const ModelBytes& files) {
    Result<ModelConfig, ModelError> config = read_model_config(files.config);
    if (!config) return ModelError{"config.ini: " + config.error().message};
    auto weights = std::make_shared<Weights>();
    weights->config = *config;

    std::string_view file;
    const auto reader_of = [&](Bytes bytes, std::string_view name) {
        file = name;
        Result<Modules, ModelError> modules = read_onnx(bytes);
        if (!modules) throw Fault{modules.error().message};
        return Reader(std::move(modules).value());
    };
    try {
        Reader encoder = reader_of(files.encoder, "enc.onnx");
        weights->encoder = read_encoder(encoder, config->generation, weights->channels);
        const std::size_t embedding = weights->encoder.lsnr.inner();
        Reader erb_decoder = reader_of(files.erb_decoder, "erb_dec.onnx");
        weights->erb = read_erb_decoder(erb_decoder, *weights, embedding);
        Reader df_decoder = reader_of(files.df_decoder, "df_dec.onnx");
        weights->df = read_df_decoder(df_decoder, *weights, embedding);
    } catch (const Fault& fault) {
        return ModelError{std::string(file) + ": " + fault.message};
    }
    return weights;
}

}  // namespace hushcast::denoise
