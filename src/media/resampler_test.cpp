#include "media/resampler.hpp"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace hushcast::media {
namespace {

constexpr int kModelHz = 48'000;

/// A tone that every rate here can carry, with a soft beginning and end.
float tone_at(double seconds, double length_s) {
    const double edge = std::min({seconds, length_s - seconds, 0.02}) / 0.02;
    const double window = 0.5 - 0.5 * std::cos(std::numbers::pi * std::max(edge, 0.0));
    return static_cast<float>(0.5 * window * std::sin(2 * std::numbers::pi * 700 * seconds));
}

std::vector<float> tone(std::size_t frames, int rate_hz) {
    std::vector<float> samples(frames);
    for (std::size_t n = 0; n < frames; ++n) {
        samples[n] =
            tone_at(static_cast<double>(n) / rate_hz, static_cast<double>(frames) / rate_hz);
    }
    return samples;
}

std::vector<float> resampled(const std::vector<float>& in,
                             int in_hz,
                             int out_hz,
                             std::size_t channels,
                             std::size_t block_frames) {
    Resampler resampler(in_hz, out_hz, channels);
    std::vector<float> out;
    const std::size_t step = block_frames * channels;
    for (std::size_t at = 0; at < in.size(); at += step) {
        resampler.process(std::span(in).subspan(at, std::min(step, in.size() - at)), out);
    }
    resampler.flush(out);
    return out;
}

double snr_db(const std::vector<float>& expected, const std::vector<float>& got) {
    double signal = 0;
    double error = 1e-30;
    for (std::size_t n = 0; n < expected.size(); ++n) {
        signal += std::pow(double{expected[n]}, 2);
        error += std::pow(double{expected[n]} - (n < got.size() ? double{got[n]} : 0.0), 2);
    }
    return 10 * std::log10(signal / error);
}

TEST(Resampler, PutsEverySampleAtItsTime) {
    for (const int rate_hz : {8'000, 11'025, 22'050, 44'100, 96'000, 192'000}) {
        const auto seconds = static_cast<std::size_t>(rate_hz);
        const std::vector<float> there =
            resampled(tone(seconds, rate_hz), rate_hz, kModelHz, 1, 1000);
        EXPECT_NEAR(static_cast<double>(there.size()), kModelHz, 1) << rate_hz;
        EXPECT_GT(snr_db(tone(kModelHz, kModelHz), there), 80) << rate_hz;
        const std::vector<float> back = resampled(there, kModelHz, rate_hz, 1, 777);
        EXPECT_NEAR(static_cast<double>(back.size()), rate_hz, 1) << rate_hz;
        EXPECT_GT(snr_db(tone(seconds, rate_hz), back), 80) << rate_hz;
    }
}

TEST(Resampler, CopiesBetweenEqualRates) {
    const std::vector<float> in = tone(1001, kModelHz);
    EXPECT_EQ(resampled(in, kModelHz, kModelHz, 1, 480), in);
}

TEST(Resampler, DoesNotCareAboutBlocks) {
    const std::vector<float> in = tone(5000, 44'100);
    const std::vector<float> whole = resampled(in, 44'100, kModelHz, 1, in.size());
    for (const std::size_t block : {1U, 7U, 480U, 4'096U}) {
        EXPECT_EQ(resampled(in, 44'100, kModelHz, 1, block), whole) << block;
    }
}

TEST(Resampler, KeepsChannelsApart) {
    const std::vector<float> mono = tone(4'410, 44'100);
    std::vector<float> stereo;
    for (const float sample : mono) stereo.insert(stereo.end(), {sample, 0.0F});
    const std::vector<float> expected = resampled(mono, 44'100, kModelHz, 1, 500);
    const std::vector<float> got = resampled(stereo, 44'100, kModelHz, 2, 500);
    ASSERT_EQ(got.size(), 2 * expected.size());
    for (std::size_t n = 0; n < expected.size(); ++n) {
        EXPECT_EQ(got[2 * n], expected[n]);
        EXPECT_EQ(got[2 * n + 1], 0.0F);
    }
}

TEST(Resampler, KeepsShortLengths) {
    for (const int rate_hz : {1'000, 8'000, 44'100, 96'000, 768'000}) {
        for (const std::size_t frames : {0U, 1U, 2U, 479U, 480U, 481U}) {
            const std::size_t got =
                resampled(std::vector<float>(frames, 0.1F), rate_hz, kModelHz, 1, 480).size();
            const double exact = static_cast<double>(frames) * kModelHz / rate_hz;
            EXPECT_NEAR(static_cast<double>(got), exact, 1) << rate_hz << " Hz, " << frames;
        }
    }
}

}  // namespace
}  // namespace hushcast::media
