#include "denoise/models.hpp"

#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "denoise/testing/synthetic_model.hpp"

namespace hushcast::denoise {
namespace {

using ::testing::HasSubstr;
using testing::make_synthetic_model;
using testing::SyntheticModel;

/// A folder with the files of a synthetic model, and the ModelInfo that names them.
class ModelFolder : public ::testing::Test {
protected:
    ModelFolder() {
        std::filesystem::create_directories(root_ / "small");
        const SyntheticModel model = make_synthetic_model({});
        const std::array<std::string, 4> contents = {model.encoder, model.erb_decoder,
                                                     model.df_decoder, model.config};
        constexpr std::array<std::string_view, 4> kNames = {"enc.onnx", "erb_dec.onnx",
                                                            "df_dec.onnx", "config.ini"};
        for (std::size_t i = 0; i < kNames.size(); ++i) {
            std::ofstream(root_ / "small" / kNames[i], std::ios::binary) << contents[i];
            sums_[i] = sha256_hex(
                {reinterpret_cast<const std::uint8_t*>(contents[i].data()), contents[i].size()});
            info_.files[i] = {kNames[i], sums_[i]};
        }
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    std::filesystem::path root_ = std::filesystem::path(::testing::TempDir()) /
                                  ("hushcast-models-" + std::to_string(::getpid()));
    std::array<std::string, 4> sums_;
    ModelInfo info_{"small", "Small", "small", "small.tar.gz", {}, 5 * kHop, false};
};

TEST_F(ModelFolder, LoadsWhatIsWhole) {
    EXPECT_FALSE(verify_model(info_, root_));
    const auto weights = load_weights(info_, root_);
    ASSERT_TRUE(weights.ok()) << weights.error().message;
    const auto denoiser = make_denoiser(*weights, 3);
    EXPECT_EQ(denoiser->name(), "Small");
    EXPECT_EQ(denoiser->delay_samples(), info_.delay_samples);
    EXPECT_EQ(denoiser->max_batch(), 3U);
    info_.short_form = true;
    EXPECT_EQ(make_denoiser(*load_weights(info_, root_), 1)->delay_samples(), 3 * kHop);
}

TEST_F(ModelFolder, RefusesAChangedByte) {
    std::fstream file(root_ / "small" / "df_dec.onnx",
                      std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(1000);
    file.put('!');
    file.close();
    const auto error = verify_model(info_, root_);
    ASSERT_TRUE(error);
    EXPECT_THAT(error->message, HasSubstr("df_dec.onnx"));
    EXPECT_THAT(error->message, HasSubstr("SHA-256"));
    EXPECT_FALSE(load_weights(info_, root_).ok());
}

TEST_F(ModelFolder, RefusesWhatIsMissingOrNoFileOrTooLarge) {
    const std::filesystem::path file = root_ / "small" / "enc.onnx";
    std::filesystem::resize_file(file, 1ULL << 40U);
    EXPECT_THAT(verify_model(info_, root_)->message, HasSubstr("larger"));
    std::filesystem::remove(file);
    EXPECT_THAT(verify_model(info_, root_)->message, HasSubstr("is not there"));
    std::filesystem::create_directory(file);
    EXPECT_FALSE(load_weights(info_, root_).ok());
    EXPECT_TRUE(verify_model(info_, root_ / "nowhere"));
}

TEST(Models, AreKnownByDistinctNames) {
    ASSERT_EQ(known_models().front().id, kDefaultModel);
    std::set<std::string_view> ids;
    for (const ModelInfo& model : known_models()) {
        EXPECT_TRUE(ids.insert(model.id).second);
        EXPECT_EQ(find_model(model.id), &model);
        for (const ModelFile& file : model.files) EXPECT_EQ(file.sha256.size(), 64U);
    }
    EXPECT_EQ(find_model("deepfilternet4"), nullptr);
    EXPECT_EQ(find_model(kFallbackModel), nullptr);
}

TEST(Sha256, IsThatOfTheStandard) {
    // FIPS 180-2, appendix B.1.
    constexpr std::array<std::uint8_t, 3> kAbc = {'a', 'b', 'c'};
    EXPECT_EQ(sha256_hex(kAbc), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace hushcast::denoise
