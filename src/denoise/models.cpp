#include "denoise/models.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

#include <openssl/evp.h>

#include "denoise/cpu_tier.hpp"
#include "denoise/engine.hpp"
#include "denoise/network.hpp"

namespace hushcast::denoise {
namespace {

constexpr std::array<ModelFile, 4> kDeepFilterNet2Files = {{
    {"enc.onnx", "0b57c9923fd095e5770aee3b02a62aaaeccf595f880f51f452060bd920d7198d"},
    {"erb_dec.onnx", "75da682bfe749ab480d69c66359072c61191acde5eeca1a6a4dd7ab89a48073f"},
    {"df_dec.onnx", "7a2ba4b6fe85301debd84f8f5eb31a3e24e508bf29084f427d6345e32f514dca"},
    {"config.ini", "7593bc752512a37379ab5d3273ecfbefa2ac42fbc2be5061ac381a3a6afe4ed5"},
}};
constexpr std::array<ModelFile, 4> kDeepFilterNet2LowLatencyFiles = {{
    {"enc.onnx", "c00bcc2c41a8977e696deb2fcda54142a545f28b4b564e4a5f3aa0b63bc2ee67"},
    {"erb_dec.onnx", "a9a04bddf2d1d74b49a59de68f1a43012a0108a3a7f8b6252a02896a4280f5a3"},
    {"df_dec.onnx", "a600481611d795dd4764b8749949630b4f823f1735d7a15991088b6e29c166ec"},
    {"config.ini", "97d487cf5a9919c5d45dead695788cb7d9dca7ebad83603bbae73b63e78cb808"},
}};
constexpr std::array<ModelFile, 4> kDeepFilterNet3Files = {{
    {"enc.onnx", "7c5399d3da8a50ebef1c1a0ae421b33376aa5e45d0e92df16da7e83c9c131916"},
    {"erb_dec.onnx", "ab669a1d10afe20911728b33053a452071042317a90581092b325da7b2f9d895"},
    {"df_dec.onnx", "23114ce3b0f6464b763ee62f7bb8aab6b2a129a21eabd5bcfe59413db05f278a"},
    {"config.ini", "415eb925d44990d938fb739f514aa3662c1ec0ea836cff044fa1291b82cb4290"},
}};

constexpr std::array<ModelInfo, 4> kModels = {{
    {"deepfilternet2", "DeepFilterNet2 (short form)", "deepfilternet2",
     "DeepFilterNet2_onnx.tar.gz", kDeepFilterNet2Files, 3 * kHop, true},
    {"deepfilternet2-full", "DeepFilterNet2", "deepfilternet2", "DeepFilterNet2_onnx.tar.gz",
     kDeepFilterNet2Files, 5 * kHop, false},
    {"deepfilternet2-ll", "DeepFilterNet2 (low latency)", "deepfilternet2_ll",
     "DeepFilterNet2_onnx_ll.tar.gz", kDeepFilterNet2LowLatencyFiles, kHop, false},
    {"deepfilternet3", "DeepFilterNet3", "deepfilternet3", "DeepFilterNet3_onnx.tar.gz",
     kDeepFilterNet3Files, 3 * kHop, false},
}};

Bytes bytes_of(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The whole file, or what is wrong with it.
Result<std::string, ModelError> read_file(const std::filesystem::path& path) {
    const auto fault = [&](const char* what) { return ModelError{path.string() + " " + what}; };
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        return fault("is not there or is not a file");
    }
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) return fault("cannot be read");
    if (size > kMaxOnnxBytes) return fault("is larger than any model");
    std::ifstream file(path, std::ios::binary);
    std::string content(static_cast<std::size_t>(size), '\0');
    if (!file.read(content.data(), static_cast<std::streamsize>(content.size()))) {
        return fault("cannot be read");
    }
    return content;
}

/// A file whose content is the one that the model names.
Result<std::string, ModelError> read_checked(const ModelFile& file,
                                             const std::filesystem::path& folder) {
    const std::filesystem::path path = folder / file.name;
    Result<std::string, ModelError> content = read_file(path);
    if (content && sha256_hex(bytes_of(*content)) != file.sha256) {
        return ModelError{path.string() + " is not the published file: its SHA-256 differs"};
    }
    return content;
}

}  // namespace

std::string sha256_hex(Bytes content) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (EVP_Digest(content.data(), content.size(), digest.data(), &size, EVP_sha256(), nullptr) !=
        1) {
        return {};
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += kDigits[digest[i] >> 4U];
        hex += kDigits[digest[i] & 15U];
    }
    return hex;
}

std::span<const ModelInfo> known_models() { return kModels; }

const ModelInfo* find_model(std::string_view id) {
    const auto found = std::find_if(kModels.begin(), kModels.end(),
                                    [&](const ModelInfo& model) { return model.id == id; });
    return found == kModels.end() ? nullptr : &*found;
}

std::optional<ModelError> verify_model(const ModelInfo& model, const std::filesystem::path& root) {
    for (const ModelFile& file : model.files) {
        const Result<std::string, ModelError> content = read_checked(file, root / model.directory);
        if (!content) return content.error();
    }
    return std::nullopt;
}

Result<std::shared_ptr<const Weights>, ModelError> load_weights(const ModelInfo& model,
                                                                const std::filesystem::path& root) {
    const std::filesystem::path folder = root / model.directory;
    std::array<std::string, 4> contents;
    for (std::size_t i = 0; i < contents.size(); ++i) {
        Result<std::string, ModelError> content = read_checked(model.files[i], folder);
        if (!content) return content.error();
        contents[i] = std::move(content).value();
    }
    Result<std::shared_ptr<Weights>, ModelError> weights = build_weights(
        {bytes_of(contents[0]), bytes_of(contents[1]), bytes_of(contents[2]), contents[3]});
    if (!weights) return ModelError{folder.string() + ": " + weights.error().message};
    (*weights)->short_form = model.short_form;
    (*weights)->title = model.title;
    return std::shared_ptr<const Weights>(std::move(weights).value());
}

std::unique_ptr<Denoiser> make_denoiser(std::shared_ptr<const Weights> weights,
                                        std::size_t max_batch) {
    return std::make_unique<Engine>(std::move(weights), max_batch, default_tier());
}

}  // namespace hushcast::denoise
