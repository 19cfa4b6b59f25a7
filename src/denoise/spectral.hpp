// What is done to spectra before and after the network: features, gains, the filter, the options.
#pragma once

#include <array>
#include <span>

#include "denoise/stream.hpp"

namespace hushcast::denoise {

/// The layout of the bands in bins.
class Bands {
public:
    Bands();

    /// Mean power of each band in dB.
    [[nodiscard]] Gains levels_db(const Spectrum& spectrum) const;
    /// out[bin] = gain of its band · in[bin], for bins from `first` on.
    void apply(const Gains& gains, const Spectrum& in, Spectrum& out, std::size_t first) const;
    /// The gain of each of the lowest bins.
    void spread(const Gains& gains, std::array<float, kDfBins>& out) const;

private:
    std::array<std::size_t, kBands + 1> edges_{};
};

/// Takes the running mean off the levels, which it updates first.
void normalise_bands(const Gains& levels_db, Gains& mean_db, Gains& feature);
/// Divides the lowest bins by the root of their mean magnitude, which it updates first.
void normalise_bins(const Spectrum& spectrum,
                    std::array<float, kDfBins>& mean,
                    std::array<std::array<float, kDfBins>, 2>& feature);

/// Adds the product of one tap's coefficients (complex numbers `step` floats apart), the bins and
/// their gains.
/// @param gains  may be null: ones
void add_tap(const float* coefficients,
             std::size_t step,
             const Spectrum& frame,
             const std::array<float, kDfBins>* gains,
             Spectrum& sum);

/// DeepFilterNet2's post filter, on the mask.
void post_filter_mask(Gains& mask);
/// DeepFilterNet3's post filter, on the result.
void post_filter_result(const Spectrum& noisy, Spectrum& result);
/// Mixes the noisy spectrum back in, so that nothing is lowered by more than `limit_db`.
void limit_attenuation(float limit_db, const Spectrum& noisy, Spectrum& result);

}  // namespace hushcast::denoise
