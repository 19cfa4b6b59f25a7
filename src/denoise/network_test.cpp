// Model files that are not what they should be.
#include "denoise/network.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "denoise/testing/synthetic_model.hpp"

namespace hushcast::denoise {
namespace {

using ::testing::HasSubstr;
using testing::make_synthetic_model;
using testing::SyntheticModel;
using testing::SyntheticShape;

std::string fault_of(const SyntheticModel& model) {
    const auto weights = build_weights(model.bytes());
    return weights.ok() ? "" : weights.error().message;
}

/// Every node with weights of both generations, by file.
struct Node {
    const char* file;
    const char* name;
};
constexpr std::array<Node, 22> kNodes = {{
    {"enc.onnx", "/erb_conv0/1/Conv"},
    {"enc.onnx", "/erb_conv1/0/Conv"},
    {"enc.onnx", "/erb_conv2/1/Conv"},
    {"enc.onnx", "/erb_conv3/0/Conv"},
    {"enc.onnx", "/df_conv0/1/Conv"},
    {"enc.onnx", "/df_conv0/2/Conv"},
    {"enc.onnx", "/df_conv1/1/Conv"},
    {"enc.onnx", "/df_fc_emb/0/Einsum"},
    {"enc.onnx", "/emb_gru/linear_in/0/Einsum"},
    {"enc.onnx", "/emb_gru/GRU"},
    {"enc.onnx", "/lsnr_fc/0/MatMul"},
    {"erb_dec.onnx", "/emb_gru/linear_in/Einsum"},
    {"erb_dec.onnx", "/emb_gru/GRU"},
    {"erb_dec.onnx", "/emb_gru/linear_out/Einsum"},
    {"erb_dec.onnx", "/conv2p/Conv"},
    {"erb_dec.onnx", "/convt3/0/Conv"},
    {"erb_dec.onnx", "/convt1/0/ConvTranspose"},
    {"erb_dec.onnx", "/conv0_out/0/Conv"},
    {"df_dec.onnx", "/df_gru/linear_in/Einsum"},
    {"df_dec.onnx", "/df_gru/GRU"},
    {"df_dec.onnx", "/df_convp/1/Conv"},
    {"df_dec.onnx", "/df_out/0/Einsum"},
}};

TEST(Network, TakesItsShapeFromTheFiles) {
    const auto weights = build_weights(
        make_synthetic_model({.channels = 10, .hidden = 30, .groups = 2, .taps = 4, .order = 3})
            .bytes());
    ASSERT_TRUE(weights.ok()) << weights.error().message;
    EXPECT_EQ((*weights)->channels, 10U);
    EXPECT_EQ((*weights)->embedding(), 30U);
    EXPECT_EQ((*weights)->hidden_total(), 5 * 30U);
    EXPECT_EQ((*weights)->df.pathway_taps, 4U);
    EXPECT_EQ((*weights)->coefficients(), 96 * 2 * 3U);
}

TEST(Network, MissesEveryLayerThatIsNotThere) {
    for (const Generation generation : {Generation::DeepFilterNet2, Generation::DeepFilterNet3}) {
        for (const Node& node : kNodes) {
            // A decoder may well have one GRU layer less: its file is whole without the second one.
            const bool optional = std::string_view(node.name) == "/emb_gru/GRU" ||
                                  std::string_view(node.name) == "/df_gru/GRU";
            if (optional && std::string_view(node.file) != "enc.onnx") continue;
            SyntheticShape shape{.generation = generation};
            shape.without = node.name;
            EXPECT_THAT(fault_of(make_synthetic_model(shape)), HasSubstr("layer ")) << node.name;
        }
    }
}

TEST(Network, RefusesEveryWrongShape) {
    for (const Generation generation : {Generation::DeepFilterNet2, Generation::DeepFilterNet3}) {
        for (const Node& node : kNodes) {
            SyntheticShape shape{.generation = generation};
            shape.misshapen = node.name;
            EXPECT_THAT(fault_of(make_synthetic_model(shape)), HasSubstr("layer ")) << node.name;
        }
    }
}

TEST(Network, SaysWhichFileAndLayer) {
    SyntheticShape shape;
    shape.misshapen = "/convt3/1/Conv";
    EXPECT_THAT(fault_of(make_synthetic_model(shape)),
                ::testing::AllOf(HasSubstr("erb_dec.onnx"), HasSubstr("convt3"),
                                 HasSubstr("[6, 6, 1, 2]"), HasSubstr("[6, 6, 1, 1]")));
}

TEST(Network, RefusesFilesInTheWrongPlaces) {
    SyntheticModel model = make_synthetic_model({});
    std::swap(model.encoder, model.df_decoder);
    EXPECT_NE(fault_of(model), "");
    SyntheticModel mixed = make_synthetic_model({});
    mixed.df_decoder = make_synthetic_model({.hidden = 24}).df_decoder;
    EXPECT_THAT(fault_of(mixed), HasSubstr("df_gru does not fit the encoder"));
    SyntheticModel third = make_synthetic_model({.generation = Generation::DeepFilterNet3});
    third.config = make_synthetic_model({}).config;
    EXPECT_NE(fault_of(third), "");
}

TEST(Network, RefusesCutFiles) {
    const SyntheticModel whole = make_synthetic_model({.channels = 2, .hidden = 2, .groups = 1});
    EXPECT_EQ(fault_of(whole), "");
    for (std::size_t size = 0; size < whole.df_decoder.size(); size += 97) {
        SyntheticModel cut = whole;
        cut.df_decoder.resize(size);
        EXPECT_NE(fault_of(cut), "") << size;
    }
}

TEST(Network, SurvivesChangedBytes) {
    const SyntheticModel whole = make_synthetic_model({.channels = 2, .hidden = 2, .groups = 1});
    std::mt19937 random(21);
    int refused = 0;
    for (int round = 0; round < 2000; ++round) {
        SyntheticModel model = whole;
        std::string& file = round % 3 == 0   ? model.encoder
                            : round % 3 == 1 ? model.erb_decoder
                                             : model.df_decoder;
        for (int change = 0; change < 4; ++change) {
            file[random() % file.size()] = static_cast<char>(random());
        }
        refused += fault_of(model).empty() ? 0 : 1;
    }
    EXPECT_GT(refused, 0);
}

TEST(Network, RefusesWeightsThatAreNotNumbers) {
    SyntheticModel model = make_synthetic_model({});
    // Into the first tensor: its name comes twice, as the output of a node and right before the
    // data. Four bytes of ones are a NaN wherever they begin.
    const std::string name = "weights 1";
    const std::size_t data = model.encoder.find(name, model.encoder.find(name) + 1) + name.size();
    model.encoder.replace(data + 8, 16, 16, '\xFF');
    EXPECT_THAT(fault_of(model), HasSubstr("layer erb_conv0"));
}

TEST(ModelConfig, ReadsBothSections) {
    const auto config = read_model_config(
        make_synthetic_model({.order = 3, .conv_lookahead = 1, .df_lookahead = 2}).config);
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config->df_order, 3U);
    EXPECT_EQ(config->conv_lookahead, 1U);
    EXPECT_EQ(config->df_lookahead, 2U);
}

TEST(ModelConfig, RefusesWhatItDoesNotKnow) {
    const std::string good = make_synthetic_model({}).config;
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    EXPECT_TRUE(read_model_config(good).ok());
    for (const std::string& bad :
         {std::string(), with("deepfilternet2", "deepfilternet9"), with("sr = 48000", "sr = 16000"),
          with("nb_erb = 32", "nb_erb = 33"), with("df_order = 5", "df_order = 0"),
          with("df_order = 5", "df_order = 99999999999999999999"),
          with("df_order = 5", "df_order = five"), with("df_lookahead = 2", "df_lookahead = 5"),
          with("conv_lookahead = 2", "conv_lookahead = 9"),
          with("conv_lookahead = 2", "conv_lookahead = -1"), std::string(1U << 20U, '[')}) {
        EXPECT_FALSE(read_model_config(bad).ok()) << bad.substr(0, 200);
    }
}

}  // namespace
}  // namespace hushcast::denoise
