// What a model's config.ini says that its weights do not.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.hpp"
#include "denoise/models.hpp"

namespace hushcast::denoise {

/// The two families of networks; what differs between them is in network.hpp.
enum class Generation { DeepFilterNet2, DeepFilterNet3 };

struct ModelConfig {
    Generation generation = Generation::DeepFilterNet2;
    std::size_t conv_lookahead = 0;  ///< hops by which the network's answer lags its input
    std::size_t df_lookahead = 0;    ///< hops after a frame that its filter reaches
    std::size_t df_order = 0;        ///< taps of the filter
};

/// Reads the keys above from [train], [df] and [deepfilternet] and refuses a sampling rate, block
/// or band layout other than 48 kHz, 960 / 480, 32 bands, 96 bins.
Result<ModelConfig, ModelError> read_model_config(std::string_view ini);

}  // namespace hushcast::denoise
