#include "dsp/bands.hpp"

#include <cmath>
#include <numbers>

namespace hushcast::dsp {
namespace {

constexpr double kEarQ = 9.265;
constexpr double kMinimumWidthHz = 24.7;

double erb_of(double hz) { return kEarQ * std::log1p(hz / (kMinimumWidthHz * kEarQ)); }
double hz_of(double erb) { return kMinimumWidthHz * kEarQ * std::expm1(erb / kEarQ); }

}  // namespace

std::vector<float> vorbis_window(std::size_t size) {
    std::vector<float> window(size);
    for (std::size_t n = 0; n < size; ++n) {
        const double rise =
            std::sin(std::numbers::pi * (static_cast<double>(n) + 0.5) / static_cast<double>(size));
        window[n] = static_cast<float>(std::sin(std::numbers::pi / 2.0 * rise * rise));
    }
    return window;
}

std::vector<std::size_t> erb_widths(const ErbLayout& layout) {
    const double bin_hz = layout.sample_rate_hz / static_cast<double>(layout.fft_size);
    const double top = erb_of(layout.sample_rate_hz / 2.0);
    std::vector<std::size_t> widths(layout.bands);
    long long edge = 0;
    long long borrowed = 0;
    for (std::size_t band = 0; band < layout.bands; ++band) {
        const double next_hz =
            hz_of(top * static_cast<double>(band + 1) / static_cast<double>(layout.bands));
        const long long next = std::llround(next_hz / bin_hz);
        long long width = next - edge - borrowed;
        borrowed = 0;
        if (width < static_cast<long long>(layout.min_bins)) {
            borrowed = static_cast<long long>(layout.min_bins) - width;
            width = static_cast<long long>(layout.min_bins);
        }
        widths[band] = static_cast<std::size_t>(width);
        edge = next;
    }
    ++widths.back();  // the bin at half the sampling rate
    return widths;
}

}  // namespace hushcast::dsp
