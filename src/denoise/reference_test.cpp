// The engine against the tensors that the official graphs gave, on every CPU tier of this machine.
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "denoise/block_adapter.hpp"
#include "denoise/cpu_tier.hpp"
#include "denoise/engine.hpp"
#include "denoise/models.hpp"
#include "denoise/testing/shared.hpp"

namespace hushcast::denoise {
namespace {

using testing::read_npy;
using testing::shared_folder;
using testing::snr_db;

constexpr std::size_t kHops = 200;
constexpr double kTensorTolerance = 1e-4;
constexpr double kOutputSnrDb = 80.0;

/// Why the reference cannot be used, or nothing.
bool reference_is_missing() { return !std::filesystem::exists(shared_folder() / "reference"); }

std::shared_ptr<const Weights> weights_of(std::string_view id) {
    auto weights = load_weights(*find_model(id), shared_folder() / "models");
    EXPECT_TRUE(weights.ok()) << weights.error().message;
    return weights.ok() ? *weights : nullptr;
}

std::vector<float> reference(std::string_view model, const std::string& name) {
    return read_npy(shared_folder() / "reference" / model / (name + ".npy"));
}
std::vector<float> reference_input() { return reference("deepfilternet2", "input"); }

/// Collects a tensor hop by hop and holds it against the reference.
class Tensors {
public:
    explicit Tensors(std::string_view folder) : folder_(folder) {}

    std::vector<float>& operator[](const std::string& name) { return tensors_[name]; }

    /// [row][channel] as the network has it → [channel][row] as the reference has it.
    void add_transposed(const std::string& name,
                        const float* rows,
                        std::size_t count,
                        std::size_t channels) {
        for (std::size_t channel = 0; channel < channels; ++channel) {
            for (std::size_t row = 0; row < count; ++row) {
                tensors_[name].push_back(rows[row * channels + channel]);
            }
        }
    }
    void add(const std::string& name, std::span<const float> values) {
        tensors_[name].insert(tensors_[name].end(), values.begin(), values.end());
    }
    void add(const std::string& name, std::span<const std::complex<float>> values) {
        for (const std::complex<float> value : values) {
            tensors_[name].push_back(value.real());
            tensors_[name].push_back(value.imag());
        }
    }

    /// Every tensor for which there is a reference; the reference may cover fewer hops. How many
    /// there were.
    std::size_t check() const {
        std::size_t checked = 0;
        for (const auto& [name, actual] : tensors_) {
            const std::vector<float> expected = reference(folder_, name);
            if (expected.empty()) continue;
            EXPECT_GE(actual.size(), expected.size()) << name;
            if (actual.size() < expected.size()) continue;
            double error = 0.0;
            double largest = 0.0;
            for (std::size_t i = 0; i < expected.size(); ++i) {
                error = std::max(error, std::abs(static_cast<double>(expected[i]) -
                                                 static_cast<double>(actual[i])));
                largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
            }
            EXPECT_LE(error / largest, kTensorTolerance) << name;
            ::testing::Test::RecordProperty(name, ::testing::PrintToString(error / largest));
            ++checked;
        }
        return checked;
    }

private:
    std::string_view folder_;
    std::map<std::string, std::vector<float>> tensors_;
};

struct Variant {
    std::string_view id;
    std::string_view folder;
    std::size_t tensors;  ///< that the reference holds
};

class Reference : public ::testing::TestWithParam<Variant> {
protected:
    void SetUp() override {
        if (reference_is_missing()) GTEST_SKIP() << "No reference tensors beside the checkout.";
    }
};

TEST_P(Reference, EveryTensorAgrees) {
    const auto weights = weights_of(GetParam().id);
    ASSERT_TRUE(weights);
    const std::vector<float> input = reference_input();
    for (const kernels::Table& tier : usable_tiers()) {
        SCOPED_TRACE(tier.tier);
        Engine engine(weights, 1, tier);
        const auto state = engine.make_state();
        const auto& stream = dynamic_cast<const Stream&>(*state);
        const std::size_t channels = weights->channels;
        Tensors tensors(GetParam().folder);
        std::array<float, kHop> out{};
        for (std::size_t hop = 0; hop < kHops; ++hop) {
            const Lane lane{state.get(), std::span(input).subspan(hop * kHop).first<kHop>(), out};
            engine.process({&lane, 1});
            const LaneScratch& own = engine.lane_scratch();
            const BatchScratch& batch = engine.batch_scratch();
            tensors.add("spec", stream.spectra.at(0));
            tensors.add("erb_db", own.band_levels_db);
            tensors.add("feat_erb", stream.band_features.back());
            for (std::size_t bin = 0; bin < kDfBins; ++bin) {
                tensors["feat_spec"].push_back(stream.bin_features.back()[0][bin]);
                tensors["feat_spec"].push_back(stream.bin_features.back()[1][bin]);
            }
            for (std::size_t level = 0; level < own.e.size(); ++level) {
                tensors.add_transposed("e" + std::to_string(level), own.e[level].data() + channels,
                                       kEncoderRows[level], channels);
            }
            tensors.add_transposed("c0", batch.c0.data() + channels, kDfBins, channels);
            tensors.add("emb", std::span(batch.embedding).first(weights->embedding()));
            tensors.add("lsnr", std::span(batch.lsnr_db).first(1));
            tensors.add("mask", own.mask);
            tensors.add("coefs", stream.coefficients.at(0));
            if (hop >= weights->lookahead()) tensors.add("enh_spec", own.result);
        }
        EXPECT_EQ(tensors.check(), GetParam().tensors);
    }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         Reference,
                         ::testing::Values(Variant{"deepfilternet2-full", "deepfilternet2", 14},
                                           Variant{"deepfilternet2-ll", "deepfilternet2_ll", 5},
                                           Variant{"deepfilternet3", "deepfilternet3", 14}),
                         [](const auto& test) { return std::string(test.param.folder); });

struct Output {
    std::string_view id;
    std::string_view folder;
    std::string name;
    StreamSettings settings;
};

class ReferenceOutput : public ::testing::TestWithParam<Output> {
protected:
    void SetUp() override {
        if (reference_is_missing()) GTEST_SKIP() << "No reference tensors beside the checkout.";
    }
};

TEST_P(ReferenceOutput, AgreesTo80dB) {
    const Output& which = GetParam();
    const auto weights = weights_of(which.id);
    ASSERT_TRUE(weights);
    const std::vector<float> input = reference_input();
    const std::vector<float> expected = reference(which.folder, which.name);
    ASSERT_EQ(expected.size(), input.size());
    for (const kernels::Table& tier : usable_tiers()) {
        Engine engine(weights, 1, tier);
        const auto state = engine.make_state();
        state->settings = which.settings;
        std::vector<float> out(input.size());
        for (std::size_t at = 0; at < input.size(); at += kHop) {
            const Lane lane{state.get(), std::span(input).subspan(at).first<kHop>(),
                            std::span(out).subspan(at).first<kHop>()};
            engine.process({&lane, 1});
        }
        const double snr = snr_db(expected, out);
        EXPECT_GE(snr, kOutputSnrDb) << tier.tier;
        RecordProperty(std::string("snr_db_") + tier.tier, std::to_string(snr));
    }
}

constexpr StreamSettings kPlain{};
constexpr StreamSettings kPostFilter{.post_filter = true};
constexpr StreamSettings kLimited{.attenuation_limit_db = 12.0F};

INSTANTIATE_TEST_SUITE_P(
    Models,
    ReferenceOutput,
    ::testing::Values(Output{"deepfilternet2-full", "deepfilternet2", "output", kPlain},
                      Output{"deepfilternet2-full", "deepfilternet2", "output_pf", kPostFilter},
                      Output{"deepfilternet2-full", "deepfilternet2", "output_atten12", kLimited},
                      Output{"deepfilternet2", "deepfilternet2", "output_short", kPlain},
                      Output{"deepfilternet2-ll", "deepfilternet2_ll", "output", kPlain},
                      Output{"deepfilternet2-ll", "deepfilternet2_ll", "output_pf", kPostFilter},
                      Output{"deepfilternet2-ll", "deepfilternet2_ll", "output_atten12", kLimited},
                      Output{"deepfilternet3", "deepfilternet3", "output", kPlain},
                      Output{"deepfilternet3", "deepfilternet3", "output_pf", kPostFilter},
                      Output{"deepfilternet3", "deepfilternet3", "output_atten12", kLimited}),
    [](const auto& test) { return std::string(test.param.folder) + "_" + test.param.name; });

TEST(ReferenceModels, AreWhatTheyClaimToBe) {
    if (reference_is_missing()) GTEST_SKIP() << "No models beside the checkout.";
    for (const ModelInfo& model : known_models()) {
        const auto error = verify_model(model, shared_folder() / "models");
        EXPECT_FALSE(error) << error->message;
        const auto weights = load_weights(model, shared_folder() / "models");
        ASSERT_TRUE(weights.ok()) << weights.error().message;
        const auto denoiser = make_denoiser(*weights, 1);
        EXPECT_EQ(denoiser->delay_samples(), model.delay_samples) << model.id;
        EXPECT_EQ(denoiser->name(), model.title);
        const auto state = denoiser->make_state();
        EXPECT_LT(dynamic_cast<const Stream&>(*state).resident_bytes(), 150'000U);
    }
}

}  // namespace
}  // namespace hushcast::denoise
