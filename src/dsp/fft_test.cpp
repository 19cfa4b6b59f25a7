#include "dsp/fft.hpp"

#include <cmath>
#include <numbers>
#include <random>

#include <gtest/gtest.h>

namespace hushcast::dsp {
namespace {

std::vector<float> noise(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> samples(size);
    for (float& sample : samples) sample = normal(random);
    return samples;
}

/// The formula itself, in double.
std::vector<std::complex<double>> naive(const std::vector<float>& samples) {
    const std::size_t size = samples.size();
    std::vector<std::complex<double>> bins(size / 2 + 1);
    for (std::size_t k = 0; k < bins.size(); ++k) {
        for (std::size_t n = 0; n < size; ++n) {
            const double turns = static_cast<double>(k * n % size) / static_cast<double>(size);
            bins[k] +=
                static_cast<double>(samples[n]) * std::polar(1.0, -2.0 * std::numbers::pi * turns);
        }
    }
    return bins;
}

class RealFftOf : public testing::TestWithParam<std::size_t> {};

TEST_P(RealFftOf, AgreesWithTheFormula) {
    RealFft fft(GetParam());
    const std::vector<float> samples = noise(fft.size(), 7);
    std::vector<std::complex<float>> bins(fft.bins());
    fft.forward(samples, bins);
    double signal = 0.0;
    double error = 0.0;
    const auto expected = naive(samples);
    for (std::size_t k = 0; k < bins.size(); ++k) {
        signal += std::norm(expected[k]);
        error += std::norm(expected[k] - std::complex<double>(bins[k]));
    }
    EXPECT_GT(10.0 * std::log10(signal / error), 140.0);
}

TEST_P(RealFftOf, InverseGivesTheSamplesBackTimesTheSize) {
    RealFft fft(GetParam());
    const std::vector<float> samples = noise(fft.size(), 8);
    std::vector<std::complex<float>> bins(fft.bins());
    std::vector<float> back(fft.size());
    fft.forward(samples, bins);
    // What lies in these two places has no effect on a real signal.
    bins.front().imag(123.0F);
    bins.back().imag(-45.0F);
    fft.inverse(bins, back);
    double signal = 0.0;
    double error = 0.0;
    for (std::size_t n = 0; n < samples.size(); ++n) {
        const double sample = static_cast<double>(samples[n]);
        signal += sample * sample;
        error +=
            std::pow(sample - static_cast<double>(back[n]) / static_cast<double>(fft.size()), 2.0);
    }
    EXPECT_GT(10.0 * std::log10(signal / error), 140.0);
}

INSTANTIATE_TEST_SUITE_P(Sizes,
                         RealFftOf,
                         testing::Values(4, 6, 10, 16, 30, 96, 250, 480, 960, 1024));

TEST(RealFft, FindsATone) {
    RealFft fft(960);
    std::vector<float> samples(960);
    for (std::size_t n = 0; n < samples.size(); ++n) {
        samples[n] = static_cast<float>(
            std::cos(2.0 * std::numbers::pi * 20.0 * static_cast<double>(n) / 960.0));
    }
    std::vector<std::complex<float>> bins(fft.bins());
    fft.forward(samples, bins);
    for (std::size_t k = 0; k < bins.size(); ++k) {
        EXPECT_NEAR(std::abs(bins[k]), k == 20 ? 480.0 : 0.0, 1e-3) << k;
    }
}

}  // namespace
}  // namespace hushcast::dsp
