#include "denoise/spectral.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dsp/bands.hpp"

namespace hushcast::denoise {
namespace {

/// exp(-10 ms / 1 s), rounded to three places as in training.
constexpr float kKeep = 0.99F;
/// u decays to nothing in digital silence, and 0/√0 is not a number.
constexpr float kSmallestMean = 1e-20F;
constexpr float kBeta = 0.02F;  ///< strength of the post filter
constexpr float kTiny = 1e-12F;

float power(std::complex<float> bin) { return bin.real() * bin.real() + bin.imag() * bin.imag(); }

/// The factor by which the post filter changes a gain in 0…1: what is low gets lower.
float post_filter_factor(float gain) {
    constexpr float kQuarterTurn = std::numbers::pi_v<float> / 2.0F;
    const float sine = std::max(gain * std::sin(kQuarterTurn * gain), kTiny);
    const float ratio = gain / sine;
    return (1.0F + kBeta) / (1.0F + kBeta * ratio * ratio);
}

}  // namespace

Bands::Bands() {
    const std::vector<std::size_t> widths =
        dsp::erb_widths({.fft_size = kFftSize, .bands = kBands});
    for (std::size_t band = 0; band < kBands; ++band) {
        edges_[band + 1] = edges_[band] + widths[band];
    }
}

Gains Bands::levels_db(const Spectrum& spectrum) const {
    // In double: the network's first layers magnify what is lost here more than a hundred times.
    constexpr double kFloor = 1e-10;
    Gains levels;
    for (std::size_t band = 0; band < kBands; ++band) {
        double sum = 0.0;
        for (std::size_t bin = edges_[band]; bin < edges_[band + 1]; ++bin) {
            sum += static_cast<double>(power(spectrum[bin]));
        }
        const double mean = sum / static_cast<double>(edges_[band + 1] - edges_[band]);
        levels[band] = static_cast<float>(10.0 * std::log10(mean + kFloor));
    }
    return levels;
}

void Bands::apply(const Gains& gains, const Spectrum& in, Spectrum& out, std::size_t first) const {
    for (std::size_t band = 0; band < kBands; ++band) {
        for (std::size_t bin = std::max(edges_[band], first); bin < edges_[band + 1]; ++bin) {
            out[bin] = in[bin] * gains[band];
        }
    }
}

void Bands::spread(const Gains& gains, std::array<float, kDfBins>& out) const {
    for (std::size_t band = 0; edges_[band] < kDfBins; ++band) {
        const std::size_t end = std::min(edges_[band + 1], kDfBins);
        for (std::size_t bin = edges_[band]; bin < end; ++bin) out[bin] = gains[band];
    }
}

void normalise_bands(const Gains& levels_db, Gains& mean_db, Gains& feature) {
    constexpr float kScaleDb = 40.0F;
    for (std::size_t band = 0; band < kBands; ++band) {
        mean_db[band] = (1.0F - kKeep) * levels_db[band] + kKeep * mean_db[band];
        feature[band] = (levels_db[band] - mean_db[band]) / kScaleDb;
    }
}

void normalise_bins(const Spectrum& spectrum,
                    std::array<float, kDfBins>& mean,
                    std::array<std::array<float, kDfBins>, 2>& feature) {
    for (std::size_t bin = 0; bin < kDfBins; ++bin) {
        const float magnitude = std::sqrt(power(spectrum[bin]));
        mean[bin] = std::max((1.0F - kKeep) * magnitude + kKeep * mean[bin], kSmallestMean);
        const float scale = 1.0F / std::sqrt(mean[bin]);
        feature[0][bin] = spectrum[bin].real() * scale;
        feature[1][bin] = spectrum[bin].imag() * scale;
    }
}

void add_tap(const float* coefficients,
             std::size_t step,
             const Spectrum& frame,
             const std::array<float, kDfBins>* gains,
             Spectrum& sum) {
    for (std::size_t bin = 0; bin < kDfBins; ++bin, coefficients += step) {
        const float gain = gains == nullptr ? 1.0F : (*gains)[bin];
        const float re = frame[bin].real() * gain;
        const float im = frame[bin].imag() * gain;
        sum[bin] += std::complex<float>(coefficients[0] * re - coefficients[1] * im,
                                        coefficients[0] * im + coefficients[1] * re);
    }
}

void post_filter_mask(Gains& mask) {
    for (float& gain : mask) gain *= post_filter_factor(gain);
}

void post_filter_result(const Spectrum& noisy, Spectrum& result) {
    for (std::size_t bin = 0; bin < kBins; ++bin) {
        const float before = std::sqrt(power(noisy[bin])) + kTiny;
        const float gain = std::clamp(std::sqrt(power(result[bin])) / before, kTiny, 1.0F);
        result[bin] *= post_filter_factor(gain);
    }
}

void limit_attenuation(float limit_db, const Spectrum& noisy, Spectrum& result) {
    const float share = std::pow(10.0F, -limit_db / 20.0F);
    for (std::size_t bin = 0; bin < kBins; ++bin) {
        result[bin] = result[bin] * (1.0F - share) + noisy[bin] * share;
    }
}

}  // namespace hushcast::denoise
