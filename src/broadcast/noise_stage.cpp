#include "broadcast/noise_stage.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hushcast::broadcast {
namespace {

/// What the model hears before it is heard: its running means find the room's level.
constexpr std::size_t kSettlingHops = 10;

/// Linear, over one hop: both sides are the same sound, so their amplitudes add.
void cross_fade(std::span<const float> from,
                std::span<const float> to,
                std::span<float, NoiseStage::kHop> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        const float share = static_cast<float>(i + 1) / static_cast<float>(out.size());
        out[i] = from[i] + share * (to[i] - from[i]);
    }
}

}  // namespace

NoiseStage::NoiseStage(const denoise::Denoiser* denoiser, bool on, float attenuation_limit_db)
    : state_(denoiser == nullptr ? nullptr : denoiser->make_state()),
      ring_(denoiser == nullptr ? 0 : denoiser->delay_samples()),
      wanted_(on),
      mode_(on && state_ != nullptr ? Mode::Denoised : Mode::Direct) {
    set(on, attenuation_limit_db);
}

void NoiseStage::set(bool on, float attenuation_limit_db) {
    wanted_ = on;
    if (state_) state_->settings.attenuation_limit_db = attenuation_limit_db;
}

std::optional<denoise::Lane> NoiseStage::begin(std::span<const float, kHop> in, bool relief) {
    in_ = in;
    delay(in, original_);
    fade_out_ = false;
    const bool want = wanted_ && !relief && state_ != nullptr;
    if (want && (mode_ == Mode::Direct || mode_ == Mode::Delayed)) {
        was_delayed_ = mode_ == Mode::Delayed;
        mode_ = Mode::Warming;
        warmed_hops_ = 0;
        state_->reset();
    } else if (!want && mode_ == Mode::Warming) {
        mode_ = was_delayed_ ? Mode::Delayed : Mode::Direct;
    } else if (!want && mode_ == Mode::Denoised) {
        fade_out_ = true;
    }
    if (mode_ != Mode::Warming && mode_ != Mode::Denoised) return std::nullopt;
    return denoise::Lane{state_.get(), in, denoised_};
}

void NoiseStage::finish(std::span<float, kHop> out) {
    const bool model_ran = mode_ == Mode::Warming || mode_ == Mode::Denoised;
    if (model_ran && !std::isfinite(std::accumulate(denoised_.begin(), denoised_.end(), 0.0F))) {
        state_->reset();
        denoised_ = original_;
    }
    const std::span<const float> undelayed = in_;
    const std::span<const float> original = original_;
    switch (mode_) {
        case Mode::Direct: std::copy(undelayed.begin(), undelayed.end(), out.begin()); break;
        case Mode::Delayed: std::copy(original.begin(), original.end(), out.begin()); break;
        case Mode::Warming: {
            const std::span<const float> before = was_delayed_ ? original : undelayed;
            if (++warmed_hops_ <= warm_up_hops()) {
                std::copy(before.begin(), before.end(), out.begin());
            } else {
                cross_fade(before, denoised_, out);
                mode_ = Mode::Denoised;
            }
            break;
        }
        case Mode::Denoised:
            if (fade_out_) {
                cross_fade(denoised_, original, out);
                mode_ = Mode::Delayed;
            } else {
                std::copy(denoised_.begin(), denoised_.end(), out.begin());
            }
            break;
    }
}

std::size_t NoiseStage::warm_up_hops() const {
    return (ring_.size() + kHop - 1) / kHop + kSettlingHops;
}

void NoiseStage::delay(std::span<const float, kHop> in, std::span<float, kHop> out) {
    if (ring_.empty()) {
        std::copy(in.begin(), in.end(), out.begin());
        return;
    }
    for (std::size_t i = 0; i < kHop; ++i) {
        out[i] = ring_[ring_position_];
        ring_[ring_position_] = in[i];
        if (++ring_position_ == ring_.size()) ring_position_ = 0;
    }
}

}  // namespace hushcast::broadcast
