#include "broadcast/levels.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

namespace hushcast::broadcast {
namespace {

std::vector<float> sine(float amplitude) {
    std::vector<float> samples(LevelMeter::kWindowSamples);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] =
            amplitude *
            static_cast<float>(std::sin(2 * std::numbers::pi * 0.01 * static_cast<double>(i)));
    }
    return samples;
}

TEST(LevelMeter, FullScaleSineIsMinusThree) {
    LevelMeter meter;
    const std::optional<float> level = meter.add(sine(1));
    ASSERT_TRUE(level);
    EXPECT_NEAR(*level, -3.01, 0.01);
}

TEST(LevelMeter, SpeaksOnlyWhenAWindowIsFullAndStartsAnew) {
    LevelMeter meter;
    const std::vector<float> tone = sine(0.1F);
    const std::vector<float> silence(LevelMeter::kWindowSamples / 2);
    EXPECT_FALSE(meter.add(silence));
    EXPECT_EQ(meter.add(silence), LevelMeter::kSilenceDb);
    EXPECT_NEAR(*meter.add(tone), -23.01, 0.01);
}

}  // namespace
}  // namespace hushcast::broadcast
