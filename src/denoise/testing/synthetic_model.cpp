#include "denoise/testing/synthetic_model.hpp"

#include <cmath>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace hushcast::denoise::testing {
namespace {

/// Just enough of the protobuf wire format.
class Message {
public:
    Message& number(unsigned field, std::uint64_t value) {
        varint(field << 3U);
        varint(value);
        return *this;
    }
    Message& bytes(unsigned field, const std::string& value) {
        varint(field << 3U | 2U);
        varint(value.size());
        data_ += value;
        return *this;
    }
    Message& message(unsigned field, const Message& value) { return bytes(field, value.data_); }
    [[nodiscard]] const std::string& data() const { return data_; }

private:
    void varint(std::uint64_t value) {
        for (; value >= 128; value >>= 7U) data_ += static_cast<char>(value | 128U);
        data_ += static_cast<char>(value);
    }
    std::string data_;
};

using Shape = std::vector<std::size_t>;

/// One graph as it grows.
class Graph {
public:
    explicit Graph(const SyntheticShape& shape, std::uint32_t seed)
        : shape_(shape), random_(seed) {}

    /// @param fan_in  the weights' spread is 1 / √fan_in.  @param bias  elements of a second input,
    /// 0 for none
    void conv(const std::string& name,
              Shape weights,
              std::size_t bias,
              std::size_t groups,
              std::size_t stride) {
        const bool transposed = name.find("ConvTranspose") != std::string::npos;
        const std::size_t fan_in = weights[1] * weights[2] * weights[3];
        begin(name, transposed ? "ConvTranspose" : "Conv", {std::move(weights)}, fan_in);
        if (bias > 0) input({bias}, 10);
        attribute("group", groups);
        Message strides;
        strides.bytes(1, "strides").number(8, 1).number(8, stride);
        node_.message(5, strides);
        end();
    }
    void separable(const std::string& module, std::size_t stride, bool transposed = false) {
        const std::size_t c = shape_.channels;
        conv("/" + module + "/0/" + (transposed ? "ConvTranspose" : "Conv"), {c, 1, 1, 3}, 0, c,
             stride);
        conv("/" + module + "/1/Conv", {c, c, 1, 1}, c, 1, 1);
    }
    void linear(const std::string& name, std::size_t inputs, std::size_t outputs) {
        begin(name, "Einsum", {{shape_.groups, inputs / shape_.groups, outputs / shape_.groups}},
              inputs / shape_.groups);
        end();
    }
    void gru(const std::string& name, std::size_t inputs) {
        const std::size_t h = shape_.hidden;
        begin(name, "GRU", {{1, 3 * h, inputs}, {1, 3 * h, h}, {1, 6 * h}}, h);
        attribute("linear_before_reset", 1);
        end();
    }
    void plain(const std::string& name, const std::string& type, Shape weights) {
        const std::size_t fan_in = weights[0];
        begin(name, type, {std::move(weights)}, fan_in);
        end();
    }

    [[nodiscard]] std::string file() const {
        Message model;
        model.number(1, 7).message(7, graph_);
        return model.data();
    }

private:
    void begin(const std::string& name,
               const std::string& type,
               std::vector<Shape> inputs,
               std::size_t fan_in) {
        left_out_ = name == shape_.without;
        node_ = {};
        node_.bytes(1, "something that is not a weight");
        node_.bytes(3, name).bytes(4, type);
        if (name == shape_.misshapen) ++inputs.front().back();
        for (const Shape& shape : inputs) input(shape, fan_in);
    }
    /// Every other tensor sits in a Constant node, as the official files have it too.
    void input(const Shape& shape, std::size_t fan_in) {
        const std::string name = "weights " + std::to_string(++tensors_);
        std::normal_distribution<float> normal(0.0F, 1.0F / std::sqrt(static_cast<float>(fan_in)));
        std::size_t count = 1;
        Message tensor;
        for (const std::size_t size : shape) {
            tensor.number(1, size);
            count *= size;
        }
        std::string raw(count * sizeof(float), '\0');
        for (std::size_t i = 0; i < count; ++i) {
            const float value = normal(random_);
            std::memcpy(raw.data() + i * sizeof(float), &value, sizeof(float));
        }
        tensor.number(2, 1).bytes(8, name).bytes(9, raw);
        if (tensors_ % 2 == 0) {
            graph_.message(5, tensor);
        } else {
            Message value;
            value.bytes(1, "value").message(5, tensor);
            Message constant;
            constant.bytes(2, name).bytes(3, "/Constant").bytes(4, "Constant").message(5, value);
            graph_.message(1, constant);
        }
        node_.bytes(1, name);
    }
    void attribute(const std::string& name, std::size_t value) {
        Message message;
        message.bytes(1, name).number(3, value);
        node_.message(5, message);
    }
    void end() {
        if (!left_out_) graph_.message(1, node_);
    }

    const SyntheticShape& shape_;
    std::mt19937 random_;
    Message graph_;
    Message node_;
    bool left_out_ = false;
    unsigned tensors_ = 0;
};

}  // namespace

ModelBytes SyntheticModel::bytes() const {
    const auto view = [](const std::string& text) {
        return Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    };
    return {view(encoder), view(erb_decoder), view(df_decoder), config};
}

SyntheticModel make_synthetic_model(const SyntheticShape& shape) {
    const std::size_t c = shape.channels;
    const std::size_t h = shape.hidden;
    const bool third = shape.generation == Generation::DeepFilterNet3;
    const std::size_t cemb = third ? 8 * c : 4 * shape.groups;
    const std::size_t embedding = third ? 2 * h : h;

    Graph encoder(shape, shape.seed);
    encoder.conv("/erb_conv0/1/Conv", {c, 1, 3, 3}, c, 1, 1);
    encoder.separable("erb_conv1", 2);
    encoder.separable("erb_conv2", 2);
    encoder.separable("erb_conv3", 1);
    encoder.conv("/df_conv0/1/Conv", {c, 1, 3, 3}, 0, 2, 1);
    encoder.conv("/df_conv0/2/Conv", {c, c, 1, 1}, c, 1, 1);
    encoder.separable("df_conv1", 2);
    encoder.linear("/df_fc_emb/0/Einsum", 48 * c, cemb);
    encoder.linear("/emb_gru/linear_in/0/Einsum", third ? 8 * c : 8 * c + cemb, h);
    encoder.gru("/emb_gru/GRU", h);
    if (third) encoder.linear("/emb_gru/linear_out/0/Einsum", h, embedding);
    encoder.plain("/lsnr_fc/0/MatMul", "MatMul", {embedding, 1});
    encoder.plain("/lsnr_fc/0/Add", "Add", {1});

    Graph erb(shape, shape.seed + 1);
    erb.linear("/emb_gru/linear_in/Einsum", embedding, h);
    erb.gru("/emb_gru/GRU", h);
    erb.gru("/emb_gru/GRU_1", h);
    erb.linear("/emb_gru/linear_out/Einsum", h, 8 * c);
    for (const char* pathway : {"conv3p", "conv2p", "conv1p", "conv0p"}) {
        erb.conv(std::string("/") + pathway + "/Conv", {c, 1, 1, 1}, c, c, 1);
    }
    erb.separable("convt3", 1);
    erb.separable("convt2", 2, true);
    erb.separable("convt1", 2, true);
    erb.conv("/conv0_out/0/Conv", {1, c, 1, 3}, 1, 1, 1);

    Graph df(shape, shape.seed + 2);
    df.linear("/df_gru/linear_in/Einsum", embedding, h);
    df.gru("/df_gru/GRU", h);
    df.gru("/df_gru/GRU_1", h);
    if (third) df.linear("/df_skip/Einsum", embedding, h);
    df.conv("/df_convp/1/Conv", {2 * shape.order, c / 2, shape.taps, 1}, 0, 2, 1);
    df.conv("/df_convp/2/Conv", {2 * shape.order, 2 * shape.order, 1, 1}, 2 * shape.order, 1, 1);
    df.linear("/df_out/0/Einsum", h, kDfBins * 2 * shape.order);

    std::string config =
        std::string("[train]\nmodel = ") + (third ? "deepfilternet3" : "deepfilternet2") +
        "\n[df]\nsr = 48000\nfft_size = 960\nhop_size = 480\nnb_erb = 32\nnb_df = 96\n"
        "norm_tau = 1\nmin_nb_erb_freqs = 2\ndf_order = " +
        std::to_string(shape.order) +
        "\n[deepfilternet]\ndf_lookahead = " + std::to_string(shape.df_lookahead) +
        "\nconv_lookahead = " + std::to_string(shape.conv_lookahead) + "\n";
    return {encoder.file(), erb.file(), df.file(), std::move(config)};
}

std::shared_ptr<const Weights> make_synthetic_weights(const SyntheticShape& shape,
                                                      bool short_form) {
    const SyntheticModel model = make_synthetic_model(shape);
    Result<std::shared_ptr<Weights>, ModelError> weights = build_weights(model.bytes());
    if (!weights) return nullptr;
    (*weights)->short_form = short_form;
    (*weights)->title = "synthetic";
    return std::move(weights).value();
}

}  // namespace hushcast::denoise::testing
