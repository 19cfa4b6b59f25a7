// hushcast model list | verify | fetch
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "main/commands.hpp"
#include "main/interrupt.hpp"
#include "main/model_fetch.hpp"
#include "main/model_store.hpp"
#include "main/progress.hpp"

namespace hushcast::main {
namespace {

using denoise::ModelInfo;

struct Options {
    std::vector<std::string> ids;
    std::string from;
    int patience_s = 30;
    Places places;
};

void say(const std::string& sentence) { std::cerr << "hushcast: " << sentence << '\n'; }

/// The models named, or `otherwise` when none is.
std::vector<const ModelInfo*> models_named(const std::vector<std::string>& ids,
                                           std::vector<const ModelInfo*> otherwise) {
    if (ids.empty()) return otherwise;
    std::vector<const ModelInfo*> models;
    for (const std::string& id : ids) {
        models.push_back(denoise::find_model(id));
        if (models.back() == nullptr) {
            say("there is no model '" + id + "' with files; the models are " + model_ids());
            throw CLI::RuntimeError(1);
        }
    }
    return models;
}

std::vector<const ModelInfo*> all_models() {
    std::vector<const ModelInfo*> models;
    for (const ModelInfo& model : denoise::known_models()) models.push_back(&model);
    return models;
}

void print_row(std::string_view id,
               std::string_view title,
               std::string_view delay,
               const std::string& where) {
    std::printf("%-21.*s %-30.*s %8.*s  %s\n", static_cast<int>(id.size()), id.data(),
                static_cast<int>(title.size()), title.data(), static_cast<int>(delay.size()),
                delay.data(), where.c_str());
}

void list(const Options& options) {
    const auto milliseconds = [](std::size_t samples) {
        return std::to_string(samples * 1000 / denoise::kSampleRateHz) + " ms";
    };
    print_row("ID", "MODEL", "DELAY", "FILES");
    for (const ModelInfo* model : all_models()) {
        const ModelSearch search = find_files(*model, options.places);
        std::string where = search.root ? (*search.root / model->directory).string() : "missing";
        if (!search.root && !search.faults.empty()) where = search.faults.front();
        const bool is_default = model->id == denoise::kDefaultModel;
        print_row(std::string(model->id) + (is_default ? " *" : ""), model->title,
                  milliseconds(model->delay_samples), where);
    }
    const auto fallback = denoise::make_fallback_denoiser(1);
    print_row(denoise::kFallbackModel, fallback->name(), milliseconds(fallback->delay_samples()),
              "needs none");
    std::printf("\n* the default. `hushcast model fetch ID` gets the files of a model.\n");
}

/// Every model named has to be well; without names, every one that has files and the default.
void verify(const Options& options) {
    bool well = true;
    for (const ModelInfo* model : models_named(options.ids, all_models())) {
        const ModelSearch search = find_files(*model, options.places);
        for (const std::string& fault : search.faults) {
            say(fault);
            well = false;
        }
        const std::string id(model->id);
        if (search.root) {
            std::printf("%s: every file in %s is the published one\n", id.c_str(),
                        (*search.root / model->directory).c_str());
        } else if (search.faults.empty()) {
            const bool needed = !options.ids.empty() || model->id == denoise::kDefaultModel;
            if (needed) well = false;
            std::printf("%s: missing\n", id.c_str());
        }
    }
    if (!well) throw CLI::RuntimeError(1);
}

std::string source_of(const Options& options) {
    if (!options.from.empty()) return options.from;
    const char* url =
        std::getenv("HUSHCAST_MODEL_URL");  // NOLINT(concurrency-mt-unsafe): one thread
    return url != nullptr && *url != '\0' ? url : kOfficialModels;
}

void fetch(const Options& options) {
    watch_for_interrupts();
    const FetchSource source{source_of(options), std::chrono::seconds(options.patience_s)};
    const std::filesystem::path root = data_directory(options.places) / "models";
    std::set<std::string_view> done;  // several models may share their files
    for (const ModelInfo* model :
         models_named(options.ids, {denoise::find_model(denoise::kDefaultModel)})) {
        if (!done.insert(model->directory).second) continue;
        const std::string id(model->id);
        const std::string place = (root / model->directory).string();
        if (!denoise::verify_model(*model, root)) {
            std::printf("%s: already in %s\n", id.c_str(), place.c_str());
            continue;
        }
        std::optional<denoise::ModelError> error;
        {
            ProgressBar bar(id, false);
            error = fetch_model(*model, source, root, [&](std::uint64_t got, std::uint64_t all) {
                bar.show(Clock::now(), got, all);
                return !interrupted();
            });
        }
        if (interrupted()) throw CLI::RuntimeError(kInterruptedExit);
        if (error) {
            say(error->message);
            throw CLI::RuntimeError(1);
        }
        std::printf("%s: fetched into %s\n", id.c_str(), place.c_str());
    }
}

}  // namespace

void add_model_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("model", "See, check and fetch the networks' weights");
    command->require_subcommand(1);
    const auto options = std::make_shared<Options>();

    CLI::App* list_command = command->add_subcommand("list", "Which models there are, and where");
    CLI::App* verify_command = command->add_subcommand("verify", "Check files by their SHA-256");
    CLI::App* fetch_command = command->add_subcommand("fetch", "Get the files of models");
    for (CLI::App* it : {list_command, verify_command}) add_model_dir_option(*it, options->places);
    for (CLI::App* it : {list_command, verify_command, fetch_command}) {
        add_data_option(*it, options->places);
    }
    verify_command->add_option("ID", options->ids, "Models (default: every one)");
    fetch_command->add_option("ID", options->ids,
                              "Models (default: " + std::string(denoise::kDefaultModel) + ")");
    fetch_command->add_option("--from", options->from,
                              "Directory or http(s) address to get them from (default: "
                              "$HUSHCAST_MODEL_URL or the DeepFilterNet project)");
    fetch_command
        ->add_option("--timeout", options->patience_s, "Give up when nothing comes for so long")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    list_command->callback([options] { list(*options); });
    verify_command->callback([options] { verify(*options); });
    fetch_command->callback([options] { fetch(*options); });
}

}  // namespace hushcast::main
