#include "denoise/stream.hpp"

#include <algorithm>

namespace hushcast::denoise {
namespace {

std::size_t history(const Weights& weights) {
    return weights.lookahead() + weights.config.df_order - weights.config.df_lookahead;
}
std::size_t pathway_size(const Weights& weights) {
    return kDfBins * 2 * (weights.df.pathway_taps - 1) * weights.config.df_order;
}
std::size_t coefficient_wait(const Weights& weights) {
    return weights.lookahead() - weights.config.conv_lookahead;
}

/// `count` numbers in equal steps from `first` to `last`.
template <std::size_t Count>
void ramp(std::array<float, Count>& out, float first, float last) {
    for (std::size_t i = 0; i < Count; ++i) {
        out[i] = first + (last - first) * static_cast<float>(i) / static_cast<float>(Count - 1);
    }
}

}  // namespace

Stream::Stream(const Weights& weights)
    : hidden(weights.hidden_total()),
      pathway(pathway_size(weights)),
      spectra(history(weights), Spectrum{}),
      gains(history(weights), Gains{}),
      coefficients(coefficient_wait(weights) + 1, Floats(weights.coefficients())) {
    reset();
}

void Stream::reset() noexcept {
    previous_input.fill(0.0F);
    overlap.fill(0.0F);
    // What the means are for quiet speech, so that the first seconds are not far off.
    ramp(band_mean_db, -60.0F, -90.0F);
    ramp(bin_mean, 0.001F, 0.0001F);
    band_features = {};
    bin_features = {};
    std::fill(hidden.begin(), hidden.end(), 0.0F);
    std::fill(pathway.begin(), pathway.end(), 0.0F);
    spectra.fill(Spectrum{});
    gains.fill(Gains{});
    coefficients.for_each([](Floats& values) { std::fill(values.begin(), values.end(), 0.0F); });
    hops = 0;
    quiet_hops = 0;
}

bool Stream::fits(const Weights& weights) const {
    return hidden.size() == weights.hidden_total() && pathway.size() == pathway_size(weights) &&
           spectra.depth() == history(weights) &&
           coefficients.depth() == coefficient_wait(weights) + 1 &&
           coefficients.at(0).size() == weights.coefficients();
}

std::size_t Stream::resident_bytes() const {
    return sizeof(*this) + (hidden.size() + pathway.size()) * sizeof(float) +
           spectra.depth() * sizeof(Spectrum) + gains.depth() * sizeof(Gains) +
           coefficients.depth() * (sizeof(Floats) + coefficients.at(0).size() * sizeof(float));
}

}  // namespace hushcast::denoise
