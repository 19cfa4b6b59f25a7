// The analysis window and the bands by ear (ERB) that speech networks listen in.
#pragma once

#include <cstddef>
#include <vector>

namespace hushcast::dsp {

/// The window of the Vorbis codec: sin(π/2 · sin²(π (n + 0.5) / size)). Used before the forward and
/// after the inverse transform with half overlap it gives the signal back: its squares overlap-add
/// to one.
std::vector<float> vorbis_window(std::size_t size);

struct ErbLayout {
    std::size_t fft_size = 960;
    double sample_rate_hz = 48'000.0;
    std::size_t bands = 32;
    std::size_t min_bins = 2;  ///< narrower bands borrow from the next one
};

/// Number of FFT bins in each band, from low to high; they sum to fft_size / 2 + 1. The bands are
/// equally wide on the scale of Glasberg and Moore, 9.265 ln(1 + f / (24.7 · 9.265)).
std::vector<std::size_t> erb_widths(const ErbLayout& layout);

}  // namespace hushcast::dsp
