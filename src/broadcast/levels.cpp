#include "broadcast/levels.hpp"

#include <algorithm>
#include <cmath>

namespace hushcast::broadcast {

std::optional<float> LevelMeter::add(std::span<const float> samples) {
    for (const float sample : samples) energy_ += static_cast<double>(sample) * sample;
    count_ += samples.size();
    if (count_ < kWindowSamples) return std::nullopt;
    const double mean = energy_ / static_cast<double>(count_);
    energy_ = 0;
    count_ = 0;
    if (!(mean > 0)) return kSilenceDb;
    return std::max(kSilenceDb, static_cast<float>(10 * std::log10(mean)));
}

}  // namespace hushcast::broadcast
