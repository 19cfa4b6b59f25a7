// Which models exist, where their files may lie, and whether they are what they claim to be.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "denoise/denoiser.hpp"

namespace hushcast::denoise {

/// One file of a model and the SHA-256 it must have, in hexadecimal.
struct ModelFile {
    std::string_view name;
    std::string_view sha256;
};

/// A model the program knows.
struct ModelInfo {
    std::string_view id;     ///< what --model takes: "deepfilternet2", "deepfilternet2-full", …
    std::string_view title;  ///< for people
    std::string_view directory;      ///< folder of its files: several ids may share one
    std::string_view archive;        ///< file name of the official archive
    std::array<ModelFile, 4> files;  ///< enc.onnx, erb_dec.onnx, df_dec.onnx, config.ini
    std::size_t delay_samples;
    bool short_form = false;  ///< less delay at next to no cost: docs/denoiser.md
};

inline constexpr std::string_view kDefaultModel = "deepfilternet2";  ///< its short form
inline constexpr std::string_view kFallbackModel = "webrtc-ns";      ///< needs no files

/// Every model with weights, the default first.
std::span<const ModelInfo> known_models();
const ModelInfo* find_model(std::string_view id);

/// A sentence for people that says what is wrong and with which file.
struct ModelError {
    std::string message;
};

/// Checks every file of `model` below `root` (root/<directory>/<file>) against its SHA-256.
/// Gives nothing when all is well.
std::optional<ModelError> verify_model(const ModelInfo& model, const std::filesystem::path& root);

/// In lower case; what ModelFile::sha256 is compared with.
std::string sha256_hex(Bytes content);

/// Immutable weights, shared by every thread.
class Weights;

/// Reads and checks the files of `model` below `root`: what is used is what was hashed.
Result<std::shared_ptr<const Weights>, ModelError> load_weights(const ModelInfo& model,
                                                                const std::filesystem::path& root);

/// A denoiser for one thread. @param max_batch  streams per call at most.
std::unique_ptr<Denoiser> make_denoiser(std::shared_ptr<const Weights> weights,
                                        std::size_t max_batch);
/// WebRTC's classical noise suppression, which needs no weights.
std::unique_ptr<Denoiser> make_fallback_denoiser(std::size_t max_batch);

}  // namespace hushcast::denoise
