#include <cmath>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "denoise/models.hpp"

namespace hushcast::denoise {
namespace {

std::vector<float> run(Denoiser& denoiser, StreamState& state, const std::vector<float>& in) {
    std::vector<float> out(in.size());
    for (std::size_t at = 0; at + kHop <= in.size(); at += kHop) {
        const Lane lane{&state, std::span(in).subspan(at).first<kHop>(),
                        std::span(out).subspan(at).first<kHop>()};
        denoiser.process({&lane, 1});
    }
    return out;
}

/// Bursts of tones that rise and fall like syllables, which the suppressor lets through.
std::vector<float> syllables(std::size_t hops) {
    std::vector<float> samples(hops * kHop);
    std::mt19937 random(5);
    std::uniform_real_distribution<double> pitch(150.0, 1500.0);
    double hz = 300.0;
    for (std::size_t n = 0; n < samples.size(); ++n) {
        constexpr std::size_t kSyllable = 9'600;
        if (n % kSyllable == 0) hz = pitch(random);
        const double phase = static_cast<double>(n % kSyllable) / kSyllable;
        const double swell = std::pow(std::sin(std::numbers::pi * phase), 2.0);
        const double t = 2.0 * std::numbers::pi * hz * static_cast<double>(n) / kSampleRateHz;
        samples[n] = static_cast<float>(
            0.2 * swell * (std::sin(t) + 0.5 * std::sin(2.7 * t) + 0.3 * std::sin(6.1 * t)));
    }
    return samples;
}

std::vector<float> noise(std::size_t hops, float level) {
    std::mt19937 random(6);
    std::normal_distribution<float> normal(0.0F, level);
    std::vector<float> samples(hops * kHop);
    for (float& sample : samples) sample = normal(random);
    return samples;
}

double energy(std::span<const float> samples) {
    double sum = 0.0;
    for (const float sample : samples) {
        sum += static_cast<double>(sample) * static_cast<double>(sample);
    }
    return sum;
}

/// The lag at which `out` is most like `in`.
std::size_t lag_of(const std::vector<float>& in, const std::vector<float>& out) {
    std::size_t best_lag = 0;
    double best = 0.0;
    for (std::size_t lag = 0; lag < 2 * kHop; ++lag) {
        double sum = 0.0;
        for (std::size_t n = lag; n < in.size(); ++n) {
            sum += static_cast<double>(in[n - lag]) * static_cast<double>(out[n]);
        }
        if (sum > best) {
            best = sum;
            best_lag = lag;
        }
    }
    return best_lag;
}

TEST(Fallback, LagsAsMuchAsItSays) {
    const auto denoiser = make_fallback_denoiser(1);
    const auto state = denoiser->make_state();
    const std::vector<float> in = syllables(300);
    EXPECT_NEAR(static_cast<double>(lag_of(in, run(*denoiser, *state, in))),
                static_cast<double>(denoiser->delay_samples()), 2.0);
}

TEST(Fallback, LowersNoise) {
    const auto denoiser = make_fallback_denoiser(1);
    const auto state = denoiser->make_state();
    const std::vector<float> in = noise(400, 0.02F);
    const std::vector<float> out = run(*denoiser, *state, in);
    const std::size_t settled = 200 * kHop;
    EXPECT_LT(energy(std::span(out).subspan(settled)),
              0.1 * energy(std::span(in).subspan(settled)));
}

TEST(Fallback, KeepsTheAttenuationLimit) {
    const auto denoiser = make_fallback_denoiser(1);
    const auto state = denoiser->make_state();
    state->settings.attenuation_limit_db = 6.0F;
    const std::vector<float> in = noise(400, 0.02F);
    const std::vector<float> out = run(*denoiser, *state, in);
    const std::size_t settled = 200 * kHop;
    const double lowered_db = 10.0 * std::log10(energy(std::span(in).subspan(settled)) /
                                                energy(std::span(out).subspan(settled)));
    EXPECT_GT(lowered_db, 1.0);
    EXPECT_LT(lowered_db, 6.5);
}

TEST(Fallback, IsNotPoisonedByWhatIsNotANumber) {
    const auto denoiser = make_fallback_denoiser(2);
    EXPECT_EQ(denoiser->max_batch(), 2U);
    EXPECT_EQ(denoiser->name(), "WebRTC noise suppression");
    const auto state = denoiser->make_state();
    std::vector<float> in = syllables(100);
    for (std::size_t n = 5 * kHop; n < 7 * kHop; ++n) {
        in[n] = n % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                           : std::numeric_limits<float>::infinity();
    }
    const std::vector<float> out = run(*denoiser, *state, in);
    for (const float sample : out) ASSERT_TRUE(std::isfinite(sample));
    EXPECT_GT(energy(std::span(out).subspan(50 * kHop)), 0.0);
}

TEST(Fallback, ResetBeginsANewStream) {
    const auto denoiser = make_fallback_denoiser(1);
    const auto state = denoiser->make_state();
    const std::vector<float> in = syllables(100);
    const std::vector<float> first = run(*denoiser, *state, in);
    state->reset();
    EXPECT_EQ(run(*denoiser, *state, in), first);
}

}  // namespace
}  // namespace hushcast::denoise
