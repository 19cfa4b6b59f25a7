// Where the program keeps its files and where it finds the weights of its models.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "denoise/models.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace hushcast::main {

/// What the command line says about places; the environment and defaults stand behind it.
struct Places {
    std::string data;       ///< --data
    std::string model_dir;  ///< --model-dir
};
void add_data_option(CLI::App& command, Places& places);
void add_model_dir_option(CLI::App& command, Places& places);

/// --data, or $XDG_DATA_HOME/hushcast, or ~/.local/share/hushcast.
std::filesystem::path data_directory(const Places& places);

/// The directories in which models are looked for, in this order: --model-dir, $HUSHCAST_MODEL_DIR,
/// models/ of the data directory, /usr/share/hushcast/models.
std::vector<std::filesystem::path> model_roots(const Places& places);

/// Where a model lies.
struct ModelSearch {
    std::optional<std::filesystem::path> root;  ///< the first in which every file is the right one
    std::vector<std::string>
        faults;  ///< of directories before it that have the model's folder, bad
};
ModelSearch find_files(const denoise::ModelInfo& model, const Places& places);

/// What to remove noise with.
struct ChosenModel {
    std::shared_ptr<const denoise::Weights> weights;  ///< none: the fallback
    std::string warning;  ///< a sentence to show, empty when all is as asked

    [[nodiscard]] std::unique_ptr<denoise::Denoiser> make_denoiser(std::size_t max_batch) const;
};

/// @param id  a model's id, or "webrtc-ns", or empty: the default model, and the fallback with a
/// warning where it has no weights. A model that was asked for by name is that model or an error.
Result<ChosenModel, denoise::ModelError> choose_model(std::string_view id, const Places& places);

/// "deepfilternet2, …, webrtc-ns".
std::string model_ids();

}  // namespace hushcast::main
