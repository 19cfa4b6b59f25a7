#include "denoise/model_config.hpp"

#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace hushcast::denoise {
namespace {

/// The official files have 2 kB.
constexpr std::size_t kMaxConfigBytes = 64U << 10U;
constexpr std::size_t kMaxLookahead = 8;  // 80 ms
constexpr std::size_t kMaxOrder = 16;

using Values = std::map<std::string, std::string_view, std::less<>>;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// "section.key" → value.
Values read_ini(std::string_view text) {
    Values values;
    std::string section;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.starts_with('[') && line.ends_with(']')) {
            section = line.substr(1, line.size() - 2);
        } else if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
            values[section + "." + std::string(trimmed(line.substr(0, equals)))] =
                trimmed(line.substr(equals + 1));
        }
    }
    return values;
}

/// The number under `key` in [df] or else in [deepfilternet]: both places are in use.
std::optional<std::size_t> number(const Values& values, std::string_view key) {
    for (const std::string_view section : {"df.", "deepfilternet."}) {
        const auto found = values.find(std::string(section).append(key));
        if (found == values.end()) continue;
        std::size_t parsed = 0;
        const std::string_view text = found->second;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
        if (error == std::errc{} && end == text.data() + text.size()) return parsed;
        return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

Result<ModelConfig, ModelError> read_model_config(std::string_view ini) {
    if (ini.size() > kMaxConfigBytes) return ModelError{"is larger than any configuration"};
    const Values values = read_ini(ini);
    struct Fixed {
        std::string_view key;
        std::size_t value;
    };
    for (const Fixed& fixed :
         {Fixed{"sr", 48'000}, Fixed{"fft_size", 960}, Fixed{"hop_size", 480}, Fixed{"nb_erb", 32},
          Fixed{"nb_df", 96}, Fixed{"norm_tau", 1}, Fixed{"min_nb_erb_freqs", 2}}) {
        if (number(values, fixed.key) != fixed.value) {
            return ModelError{std::string(fixed.key) + " must be " + std::to_string(fixed.value)};
        }
    }

    ModelConfig config;
    const auto name = values.find("train.model");
    if (name != values.end() && name->second == "deepfilternet2") {
        config.generation = Generation::DeepFilterNet2;
    } else if (name != values.end() && name->second == "deepfilternet3") {
        config.generation = Generation::DeepFilterNet3;
    } else {
        return ModelError{"[train] model is neither deepfilternet2 nor deepfilternet3"};
    }
    const auto conv_lookahead = number(values, "conv_lookahead");
    const auto df_lookahead = number(values, "df_lookahead");
    const auto df_order = number(values, "df_order");
    if (!conv_lookahead || *conv_lookahead > kMaxLookahead) {
        return ModelError{"conv_lookahead is missing or out of range"};
    }
    if (!df_order || *df_order < 1 || *df_order > kMaxOrder) {
        return ModelError{"df_order is missing or out of range"};
    }
    if (!df_lookahead || *df_lookahead >= *df_order) {
        return ModelError{"df_lookahead is missing or not below df_order"};
    }
    config.conv_lookahead = *conv_lookahead;
    config.df_lookahead = *df_lookahead;
    config.df_order = *df_order;
    return config;
}

}  // namespace hushcast::denoise
