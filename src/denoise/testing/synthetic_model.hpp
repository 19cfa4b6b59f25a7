// Small networks of DeepFilterNet's topology with random weights, in the official file format: what
// tests use where the official weights are not at hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "denoise/model_config.hpp"
#include "denoise/models.hpp"
#include "denoise/network.hpp"

namespace hushcast::denoise::testing {

struct SyntheticShape {
    Generation generation = Generation::DeepFilterNet2;
    std::size_t channels = 6;  ///< even
    std::size_t hidden = 12;   ///< of every GRU; a multiple of `groups`
    std::size_t groups = 3;    ///< of every grouped linear; divides 8 · channels
    std::size_t taps = 3;      ///< of the pathway
    std::size_t order = 5;
    std::size_t conv_lookahead = 2;
    std::size_t df_lookahead = 2;
    std::uint32_t seed = 1;
    /// Leaves out the node with this name.
    std::string without = {};
    /// Gives the weights of the node with this name one column too many.
    std::string misshapen = {};
};

struct SyntheticModel {
    std::string encoder;
    std::string erb_decoder;
    std::string df_decoder;
    std::string config;

    [[nodiscard]] ModelBytes bytes() const;
};

SyntheticModel make_synthetic_model(const SyntheticShape& shape);
std::shared_ptr<const Weights> make_synthetic_weights(const SyntheticShape& shape,
                                                      bool short_form = false);

}  // namespace hushcast::denoise::testing
