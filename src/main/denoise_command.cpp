// hushcast denoise IN OUT
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "main/commands.hpp"
#include "main/denoise_file.hpp"
#include "main/interrupt.hpp"
#include "main/model_store.hpp"
#include "main/progress.hpp"
#include "media/audio_file.hpp"

namespace hushcast::main {
namespace {

namespace fs = std::filesystem;

/// CLI::Range would let "nan" through.
std::string decibels(const std::string& text) {
    constexpr float kMostDb = 1000.0F;
    float value = 0.0F;
    const bool is_number = CLI::detail::lexical_cast(text, value);
    return is_number && value >= 0.0F && value <= kMostDb ? "" : text + " is not 0 to 1000 dB";
}

struct Options {
    std::string in;
    std::string out;
    std::string model;
    std::string format;
    float attenuation_limit_db = 100.0F;
    bool post_filter = false;
    bool quiet = false;
    Places places;
};

void say(const std::string& sentence) { std::cerr << "hushcast: " << sentence << '\n'; }

[[noreturn]] void fail(const std::string& sentence) {
    say(sentence);
    throw CLI::RuntimeError(1);
}

/// What OUT's name and --format ask for; anything odd about them is wrong usage.
struct Target {
    media::Container container = media::Container::Wav;
    std::optional<media::SampleFormat> format;
};

Target target_of(const Options& options) {
    const auto container = media::container_for(options.out);
    if (!container) {
        throw CLI::ValidationError(
            "OUT: '" + options.out +
            "' does not end in .wav, .flac, .ogg, .opus or .mp3, so its format is unknown");
    }
    if (options.format.empty()) return {*container, std::nullopt};
    const auto format = media::sample_format_named(options.format);
    if (!format) {
        throw CLI::ValidationError("--format: '" + options.format + "' is none of " +
                                   media::sample_format_names());
    }
    if (!media::holds(*container, *format)) {
        throw CLI::ValidationError("--format: '" + options.out + "' cannot hold " + options.format);
    }
    return {*container, format};
}

std::string clock_text(double seconds) {
    std::array<char, 64> text{};
    const auto whole = static_cast<long long>(seconds);
    std::snprintf(text.data(), text.size(), "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
    return text.data();
}

void summarise(const Options& options,
               const media::AudioReader& reader,
               const denoise::Denoiser& denoiser,
               Duration took) {
    const double sound =
        static_cast<double>(reader.frames_read()) / static_cast<double>(reader.info().rate_hz);
    const double work = std::chrono::duration<double>(took).count();
    std::fprintf(stderr, "%s: %s of sound in %.1f s (%.0f times faster than it plays), %.*s\n",
                 options.out.c_str(), clock_text(sound).c_str(), work, sound / work,
                 static_cast<int>(denoiser.name().size()), denoiser.name().data());
}

void run(const Options& options) {
    const Target target = target_of(options);
    auto reader = media::AudioReader::open(options.in);
    if (!reader) fail(reader.error().message);
    std::error_code ignored;
    if (fs::equivalent(options.in, options.out, ignored)) {
        fail("'" + options.out + "' is the input itself; choose another name for the output");
    }
    const auto model = choose_model(options.model, options.places);
    if (!model) fail(model.error().message);
    if (!model->warning.empty()) say(model->warning);

    const media::AudioInfo& info = reader->info();
    const std::unique_ptr<denoise::Denoiser> denoiser = model->make_denoiser(info.channels);
    AlignedDenoiser aligned(
        *denoiser, info.channels,
        {.attenuation_limit_db = options.attenuation_limit_db, .post_filter = options.post_filter});
    const int out_rate_hz = media::nearest_rate(target.container, info.rate_hz);
    const std::uint64_t expected = frames_at_rate(info.frames, info.rate_hz, out_rate_hz);
    auto writer = media::AudioWriter::create(
        options.out,
        {.container = target.container,
         .format = target.format.value_or(media::nearest_format(target.container, info.format)),
         .rate_hz = out_rate_hz,
         .channels = info.channels,
         .expected_frames = expected});
    if (!writer) fail(writer.error().message);

    watch_for_interrupts();
    const Time begun = Clock::now();
    {
        ProgressBar bar(fs::path(options.in).filename().string(), options.quiet);
        const auto error =
            denoise_file(*reader, *writer, out_rate_hz, aligned, [&](std::uint64_t frames) {
                bar.show(Clock::now(), frames, info.frames);
                return !interrupted();
            });
        if (interrupted()) throw CLI::RuntimeError(kInterruptedExit);
        if (error) fail(error->message);
        if (const auto unfinished = writer->commit()) fail(unfinished->message);
    }
    if (reader->bad_samples() > 0) {
        say("'" + options.in + "' has " + std::to_string(reader->bad_samples()) +
            " samples that are no numbers (NaN, infinite or beyond any loudness); they were read "
            "as "
            "silence");
    }
    if (!options.quiet) summarise(options, *reader, *denoiser, Clock::now() - begun);
}

}  // namespace

void add_denoise_command(CLI::App& app) {
    CLI::App* command = app.add_subcommand("denoise", "Remove the noise from a sound file");
    const auto options = std::make_shared<Options>();
    command->add_option("IN", options->in, "WAV, FLAC, Ogg Vorbis, Ogg Opus or MP3")->required();
    command
        ->add_option("OUT", options->out,
                     "What to write; its extension says which: .wav, .flac, .ogg, .opus, .mp3")
        ->required();
    command->add_option(
        "--model", options->model,
        "One of " + model_ids() + " (default: " + std::string(denoise::kDefaultModel) + ")");
    command
        ->add_option("--atten-limit", options->attenuation_limit_db,
                     "Lower the noise by at most so many dB (default: no limit)")
        ->type_name("DB")
        ->check(decibels);
    command->add_flag("--post-filter", options->post_filter,
                      "Press down harder on what noise is left");
    command->add_option(
        "--format", options->format,
        "Sample format of OUT: " + media::sample_format_names() + " (default: that of IN)");
    command->add_flag("-q,--quiet", options->quiet, "Say nothing but warnings and errors");
    add_model_dir_option(*command, options->places);
    add_data_option(*command, options->places);
    command->callback([options] { run(*options); });
}

}  // namespace hushcast::main
