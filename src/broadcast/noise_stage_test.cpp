#include "broadcast/noise_stage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "broadcast/test_doubles.hpp"

namespace hushcast::broadcast {
namespace {

constexpr std::size_t kHop = NoiseStage::kHop;
constexpr std::size_t kDelay = 1'000;  // no multiple of a hop

std::vector<float> noise(std::size_t hops) {
    std::minstd_rand random(7);
    std::uniform_real_distribution<float> level(-1, 1);
    std::vector<float> samples(hops * kHop);
    for (float& sample : samples) sample = level(random);
    return samples;
}

class NoiseStageTest : public testing::Test {
protected:
    /// Runs the next `hops` of the input and appends what comes out.
    void run(NoiseStage& stage, std::size_t hops, bool relief = false) {
        for (std::size_t i = 0; i < hops; ++i) {
            const auto in = std::span<const float>(in_).subspan(out_.size()).first<kHop>();
            if (const auto lane = stage.begin(in, relief)) denoiser_.process({&*lane, 1});
            std::array<float, kHop> out{};
            stage.finish(out);
            out_.insert(out_.end(), out.begin(), out.end());
        }
    }
    /// Whether the output of a hop is the input, `delay` samples ago, times `gain`, bit for bit.
    [[nodiscard]] bool is(std::size_t hop, float gain, std::size_t delay) const {
        for (std::size_t i = hop * kHop; i < (hop + 1) * kHop; ++i) {
            const float expected = i < delay ? 0 : gain * in_[i - delay];
            if (out_[i] != expected) return false;
        }
        return true;
    }

    DelayDenoiser denoiser_{kDelay};
    std::vector<float> in_ = noise(200);
    std::vector<float> out_;
};

TEST_F(NoiseStageTest, OffIsABitExactBypassWithoutDelayOrWork) {
    NoiseStage stage(&denoiser_, false, 100);
    run(stage, 20);
    for (std::size_t hop = 0; hop < 20; ++hop) EXPECT_TRUE(is(hop, 1, 0)) << hop;
    EXPECT_EQ(denoiser_.hops(), 0U);
}

TEST_F(NoiseStageTest, WithoutADenoiserItPasses) {
    NoiseStage stage(nullptr, true, 100);
    stage.set(true, 12);
    run(stage, 5);
    for (std::size_t hop = 0; hop < 5; ++hop) EXPECT_TRUE(is(hop, 1, 0)) << hop;
}

TEST_F(NoiseStageTest, OnFromTheStartIsTheModelsOutput) {
    NoiseStage stage(&denoiser_, true, 100);
    run(stage, 20);
    for (std::size_t hop = 0; hop < 20; ++hop) EXPECT_TRUE(is(hop, 0.5F, kDelay)) << hop;
}

TEST_F(NoiseStageTest, SwitchingOffAndOnKeepsTheTimeLine) {
    NoiseStage stage(&denoiser_, true, 100);
    run(stage, 10);
    stage.set(false, 100);
    run(stage, 30);
    stage.set(true, 100);
    run(stage, 60);
    EXPECT_TRUE(is(9, 0.5F, kDelay));
    for (std::size_t hop = 11; hop < 41; ++hop) EXPECT_TRUE(is(hop, 1, kDelay)) << hop;
    // Once warm, denoised again; in the two hops between, each sample lies between both signals.
    for (std::size_t hop = 60; hop < 100; ++hop) EXPECT_TRUE(is(hop, 0.5F, kDelay)) << hop;
    for (std::size_t i = kDelay; i < out_.size(); ++i) {
        const float original = std::abs(in_[i - kDelay]);
        ASSERT_GE(std::abs(out_[i]), 0.499F * original) << i;
        ASSERT_LE(std::abs(out_[i]), 1.001F * original) << i;
    }
}

TEST_F(NoiseStageTest, FirstSwitchOnTakesOverTheModelsDelayOnce) {
    NoiseStage stage(&denoiser_, false, 100);
    run(stage, 10);
    stage.set(true, 100);
    run(stage, 60);
    stage.set(false, 100);
    run(stage, 10);
    EXPECT_TRUE(is(10, 1, 0));
    for (std::size_t hop = 40; hop < 70; ++hop) EXPECT_TRUE(is(hop, 0.5F, kDelay)) << hop;
    for (std::size_t hop = 71; hop < 80; ++hop) EXPECT_TRUE(is(hop, 1, kDelay)) << hop;
}

TEST_F(NoiseStageTest, UnderReliefTheOriginalPassesAndTheModelRests) {
    NoiseStage stage(&denoiser_, true, 100);
    run(stage, 10);
    run(stage, 20, true);
    EXPECT_EQ(denoiser_.hops(), 11U);
    for (std::size_t hop = 11; hop < 30; ++hop) EXPECT_TRUE(is(hop, 1, kDelay)) << hop;
    run(stage, 40);
    for (std::size_t hop = 60; hop < 70; ++hop) EXPECT_TRUE(is(hop, 0.5F, kDelay)) << hop;
}

TEST_F(NoiseStageTest, SwitchedOffWhileItWarmsItNeverIsHeard) {
    NoiseStage stage(&denoiser_, false, 100);
    run(stage, 2);
    stage.set(true, 100);
    run(stage, 3);
    stage.set(false, 100);
    run(stage, 20);
    for (std::size_t hop = 0; hop < 25; ++hop) EXPECT_TRUE(is(hop, 1, 0)) << hop;
}

TEST_F(NoiseStageTest, AModelThatFailsIsReplacedByTheOriginal) {
    NoiseStage stage(&denoiser_, true, 100);
    run(stage, 5);
    const auto in = std::span<const float>(in_).subspan(out_.size()).first<kHop>();
    const auto lane = stage.begin(in, false);
    ASSERT_TRUE(lane);
    std::fill(lane->out.begin(), lane->out.end(), std::numeric_limits<float>::quiet_NaN());
    std::array<float, kHop> out{};
    stage.finish(out);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), in_.data() + 5 * kHop - kDelay));
}

}  // namespace
}  // namespace hushcast::broadcast
