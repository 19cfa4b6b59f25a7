// Brings the files of a model here, from a directory or over HTTP, and lets nothing into place
// whose SHA-256 is not the published one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "denoise/models.hpp"
#include "main/download.hpp"

namespace hushcast::main {

/// Where the DeepFilterNet project publishes its archives.
inline constexpr const char* kOfficialModels =
    "https://github.com/Rikorose/DeepFilterNet/raw/main/models/";

struct FetchSource {
    /// A directory that holds <directory>/<file> or <archive>, or the http(s) address below which
    /// <archive> lies.
    std::string from = kOfficialModels;
    std::chrono::seconds patience{30};
};

/// Puts `model` below `root` (made when missing), or says in a sentence why not; then nothing is in
/// its place that was not there before.
std::optional<denoise::ModelError> fetch_model(const denoise::ModelInfo& model,
                                               const FetchSource& source,
                                               const std::filesystem::path& root,
                                               const OnBytes& on_bytes);

/// Takes the files of `model` out of a tar archive, compressed or not, and nothing else; folders in
/// the archive do not matter.
std::optional<denoise::ModelError> unpack_model(const denoise::ModelInfo& model,
                                                const std::filesystem::path& archive,
                                                const std::filesystem::path& folder);

}  // namespace hushcast::main
