#include "main/model_store.hpp"

#include <cstdlib>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>

namespace hushcast::main {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSystemModels = "/usr/share/hushcast/models";

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets variables
    return value == nullptr ? "" : value;
}

std::string sentence(const std::vector<std::string>& faults) {
    std::string text;
    for (const std::string& fault : faults) text += (text.empty() ? "" : "; ") + fault;
    return text;
}

}  // namespace

void add_data_option(CLI::App& command, Places& places) {
    command.add_option("--data", places.data,
                       "Directory for everything the program keeps (default: "
                       "$XDG_DATA_HOME/hushcast or ~/.local/share/hushcast)");
}

void add_model_dir_option(CLI::App& command, Places& places) {
    command.add_option("--model-dir", places.model_dir,
                       "Look for models in this directory first (also: $HUSHCAST_MODEL_DIR)");
}

fs::path data_directory(const Places& places) {
    if (!places.data.empty()) return places.data;
    const std::string xdg = environment("XDG_DATA_HOME");
    if (!xdg.empty()) return fs::path(xdg) / "hushcast";
    const std::string home = environment("HOME");
    if (!home.empty()) return fs::path(home) / ".local/share/hushcast";
    return "hushcast-data";
}

std::vector<fs::path> model_roots(const Places& places) {
    std::vector<fs::path> roots;
    if (!places.model_dir.empty()) roots.emplace_back(places.model_dir);
    const std::string from_environment = environment("HUSHCAST_MODEL_DIR");
    if (!from_environment.empty()) roots.emplace_back(from_environment);
    roots.push_back(data_directory(places) / "models");
    roots.emplace_back(kSystemModels);
    return roots;
}

ModelSearch find_files(const denoise::ModelInfo& model, const Places& places) {
    ModelSearch search;
    for (const fs::path& root : model_roots(places)) {
        std::error_code error;
        if (!fs::exists(root / model.directory, error)) continue;
        const std::optional<denoise::ModelError> fault = denoise::verify_model(model, root);
        if (!fault) {
            search.root = root;
            break;
        }
        search.faults.push_back(fault->message);
    }
    return search;
}

std::unique_ptr<denoise::Denoiser> ChosenModel::make_denoiser(std::size_t max_batch) const {
    return weights != nullptr ? denoise::make_denoiser(weights, max_batch)
                              : denoise::make_fallback_denoiser(max_batch);
}

Result<ChosenModel, denoise::ModelError> choose_model(std::string_view id, const Places& places) {
    if (id == denoise::kFallbackModel) return ChosenModel{};
    const denoise::ModelInfo* model = denoise::find_model(id.empty() ? denoise::kDefaultModel : id);
    if (model == nullptr) {
        return denoise::ModelError{"there is no model '" + std::string(id) + "'; the models are " +
                                   model_ids()};
    }
    const ModelSearch search = find_files(*model, places);
    if (search.root) {
        auto weights = denoise::load_weights(*model, *search.root);
        if (!weights) return weights.error();
        return ChosenModel{std::move(weights).value(), sentence(search.faults)};
    }
    const std::string missing = search.faults.empty()
                                    ? "the weights of " + std::string(model->title) + " are missing"
                                    : sentence(search.faults);
    const std::string remedy = "`hushcast model fetch " + std::string(model->id) + "` gets them";
    if (!id.empty()) return denoise::ModelError{missing + "; " + remedy};
    return ChosenModel{nullptr,
                       missing + ", so WebRTC's simpler noise suppression is used; " + remedy};
}

std::string model_ids() {
    std::string ids;
    for (const denoise::ModelInfo& model : denoise::known_models()) {
        ids += std::string(model.id) + ", ";
    }
    return ids + std::string(denoise::kFallbackModel);
}

}  // namespace hushcast::main
