// The level that a meter shows.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace hushcast::broadcast {

/// Root mean square over each tenth of a second, in dB of full scale (a full-scale sine: -3).
class LevelMeter {
public:
    static constexpr std::size_t kWindowSamples = 4'800;
    static constexpr float kSilenceDb = -100;

    /// The level in kSilenceDb..0 or a little above, whenever a window is full; nothing in between.
    std::optional<float> add(std::span<const float> samples);

private:
    double energy_ = 0;
    std::size_t count_ = 0;
};

}  // namespace hushcast::broadcast
