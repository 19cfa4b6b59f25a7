// How the tests of this folder compare sounds.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

namespace hushcast::media {

/// Signal over difference, in dB, over the length of `wanted`; `got` is at least as long.
inline double snr_db(std::span<const float> wanted, std::span<const float> got) {
    double signal = 0.0;
    double noise = 0.0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        signal += static_cast<double>(wanted[i]) * wanted[i];
        noise += std::pow(static_cast<double>(wanted[i]) - got[i], 2);
    }
    return 10.0 * std::log10(signal / (noise + 1e-12));
}

}  // namespace hushcast::media
