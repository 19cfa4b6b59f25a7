// What must hold for any network of this topology: tried with small random ones.
#include "denoise/engine.hpp"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "denoise/block_adapter.hpp"
#include "denoise/cpu_tier.hpp"
#include "denoise/testing/allocations.hpp"
#include "denoise/testing/shared.hpp"
#include "denoise/testing/synthetic_model.hpp"

namespace hushcast::denoise {
namespace {

using testing::make_synthetic_weights;
using testing::snr_db;
using testing::SyntheticShape;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> noise(std::size_t hops, unsigned seed, float level = 0.1F) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, level);
    std::vector<float> samples(hops * kHop);
    for (float& sample : samples) sample = normal(random);
    return samples;
}

std::vector<float> run(Denoiser& denoiser, StreamState& state, std::span<const float> in) {
    std::vector<float> out(in.size());
    for (std::size_t at = 0; at + kHop <= in.size(); at += kHop) {
        const Lane lane{&state, in.subspan(at).first<kHop>(),
                        std::span(out).subspan(at).first<kHop>()};
        denoiser.process({&lane, 1});
    }
    return out;
}
std::vector<float> run(const std::shared_ptr<const Weights>& weights,
                       std::span<const float> in,
                       const StreamSettings& settings = {},
                       const kernels::Table& tier = default_tier()) {
    Engine engine(weights, 1, tier);
    const auto state = engine.make_state();
    state->settings = settings;
    return run(engine, *state, in);
}

struct Kind {
    std::string name;
    SyntheticShape shape;
    bool short_form = false;
    std::size_t lookahead = 0;
};

std::ostream& operator<<(std::ostream& out, const Kind& kind) { return out << kind.name; }

class EngineOf : public ::testing::TestWithParam<Kind> {
protected:
    std::shared_ptr<const Weights> weights_ =
        make_synthetic_weights(GetParam().shape, GetParam().short_form);
};

TEST_P(EngineOf, LagsByItsLookaheadAndOneHop) {
    ASSERT_TRUE(weights_);
    Engine engine(weights_, 1, default_tier());
    EXPECT_EQ(engine.delay_samples(), (GetParam().lookahead + 1) * kHop);
    // At a limit of 0 dB what comes out is what went in, that much later.
    const std::vector<float> in = noise(30, 1);
    const std::vector<float> out = run(weights_, in, {.attenuation_limit_db = 0.0F});
    const std::size_t delay = engine.delay_samples();
    EXPECT_GT(snr_db(std::span(in).first(in.size() - delay), std::span(out).subspan(delay)), 110.0);
    for (std::size_t n = 0; n < delay; ++n) ASSERT_NEAR(out[n], 0.0F, 1e-6F) << n;
}

TEST_P(EngineOf, GivesTheSameOnEveryTier) {
    const std::vector<float> in = noise(60, 2);
    const StreamSettings settings{.attenuation_limit_db = 30.0F, .post_filter = true};
    const std::vector<float> expected = run(weights_, in, settings, usable_tiers().front());
    for (const kernels::Table& tier : usable_tiers()) {
        EXPECT_GT(snr_db(expected, run(weights_, in, settings, tier)), 90.0) << tier.tier;
    }
}

TEST_P(EngineOf, LanesDoNotDependOnTheirCompany) {
    constexpr std::size_t kStreams = 11;
    constexpr std::size_t kRun = 25;
    for (const kernels::Table& tier : usable_tiers()) {
        Engine engine(weights_, 9, tier);  // fewer than there are streams: batches are cut
        std::vector<std::unique_ptr<StreamState>> states;
        std::vector<std::vector<float>> ins;
        std::vector<std::vector<float>> outs(kStreams, std::vector<float>(kRun * kHop));
        for (std::size_t i = 0; i < kStreams; ++i) {
            states.push_back(engine.make_state());
            states.back()->settings.post_filter = i % 2 == 1;
            ins.push_back(noise(kRun, static_cast<unsigned>(100 + i), i == 4 ? 0.0F : 0.1F));
        }
        std::mt19937 random(9);
        std::vector<std::size_t> hops(kStreams);
        for (std::size_t left = kStreams * kRun; left > 0;) {
            std::vector<Lane> lanes;
            for (std::size_t i = 0; i < kStreams; ++i) {
                if (hops[i] == kRun || random() % 3 == 0) continue;
                const std::size_t at = hops[i]++ * kHop;
                lanes.push_back({states[i].get(), std::span(ins[i]).subspan(at).first<kHop>(),
                                 std::span(outs[i]).subspan(at).first<kHop>()});
            }
            left -= lanes.size();
            engine.process(lanes);
        }
        for (std::size_t i = 0; i < kStreams; ++i) {
            EXPECT_EQ(outs[i], run(weights_, ins[i], states[i]->settings, tier)) << i << tier.tier;
        }
    }
}

TEST_P(EngineOf, ResetBeginsANewStream) {
    Engine engine(weights_, 1, default_tier());
    const auto state = engine.make_state();
    const std::vector<float> in = noise(20, 3);
    const std::vector<float> first = run(engine, *state, in);
    EXPECT_NE(run(engine, *state, in), first);
    state->reset();
    EXPECT_EQ(run(engine, *state, in), first);
}

TEST_P(EngineOf, ReadsWhatIsNotANumberAsSilence) {
    std::vector<float> clean = noise(40, 4);
    std::vector<float> dirty = clean;
    for (std::size_t n = 10 * kHop; n < 12 * kHop; n += 3) {
        clean[n] = 0.0F;
        dirty[n] = n % 2 == 0 ? kNan : -kInfinity;
    }
    const std::vector<float> out = run(weights_, dirty);
    EXPECT_EQ(out, run(weights_, clean));
    for (const float sample : out) ASSERT_TRUE(std::isfinite(sample));
}

TEST_P(EngineOf, SurvivesTheLoudestNumbers) {
    std::vector<float> in = noise(60, 5);
    for (std::size_t n = 10 * kHop; n < 15 * kHop; ++n) in[n] = n % 7 == 0 ? 3e38F : -3e38F;
    for (const bool post_filter : {false, true}) {
        for (const float sample :
             run(weights_, in, {.attenuation_limit_db = 20.0F, .post_filter = post_filter})) {
            ASSERT_TRUE(std::isfinite(sample));
        }
    }
}

TEST_P(EngineOf, AdvancesNothingInSilence) {
    Engine engine(weights_, 1, default_tier());
    const auto state = engine.make_state();
    const auto& stream = dynamic_cast<const Stream&>(*state);
    const std::vector<float> before = noise(20, 6);
    const std::vector<float> after = noise(20, 7);
    run(engine, *state, before);
    const std::vector<float> quiet(5 * kHop);
    run(engine, *state, quiet);
    EXPECT_EQ(stream.hops, 25U);  // five quiet hops still count
    const Gains mean = stream.band_mean_db;
    for (const float sample : run(engine, *state, std::vector<float>(1000 * kHop))) {
        ASSERT_EQ(sample, 0.0F);
    }
    EXPECT_EQ(stream.hops, 25U);
    EXPECT_EQ(stream.band_mean_db, mean);
    const std::vector<float> resumed = run(engine, *state, after);

    const auto other = engine.make_state();
    run(engine, *other, before);
    run(engine, *other, quiet);
    EXPECT_EQ(run(engine, *other, after), resumed);
}

TEST_P(EngineOf, SettingsMayChangeBetweenHops) {
    Engine engine(weights_, 1, default_tier());
    const auto state = engine.make_state();
    const std::vector<float> in = noise(40, 8);
    const std::span<const float> all = in;
    run(engine, *state, all.first(20 * kHop));
    state->settings = {.attenuation_limit_db = 0.0F};
    const std::vector<float> open = run(engine, *state, all.subspan(20 * kHop));
    // The first hop still overlaps with the frame before the change.
    const std::size_t from = 21 * kHop;
    EXPECT_GT(snr_db(all.subspan(from - engine.delay_samples(), 19 * kHop),
                     std::span(open).subspan(kHop)),
              110.0);
}

TEST_P(EngineOf, TakesABadLimitAsNoneOrAsZero) {
    const std::vector<float> in = noise(20, 9);
    EXPECT_EQ(run(weights_, in, {.attenuation_limit_db = kNan}), run(weights_, in));
    EXPECT_EQ(run(weights_, in, {.attenuation_limit_db = kInfinity}), run(weights_, in));
    EXPECT_EQ(run(weights_, in, {.attenuation_limit_db = -kInfinity}),
              run(weights_, in, {.attenuation_limit_db = 0.0F}));
}

TEST_P(EngineOf, NeverAllocatesWhileProcessing) {
    Engine engine(weights_, 4, default_tier());
    const std::vector<float> in = noise(20, 10);
    std::vector<float> out(4 * kHop);
    std::vector<std::unique_ptr<StreamState>> states(4);
    for (auto& state : states) state = engine.make_state();
    states[1]->settings = {.attenuation_limit_db = 12.0F, .post_filter = true};
    std::vector<Lane> lanes;
    for (std::size_t i = 0; i < 4; ++i) {
        lanes.push_back({states[i].get(), std::span(in).subspan(i * kHop).first<kHop>(),
                         std::span(out).subspan(i * kHop).first<kHop>()});
    }
    const std::size_t before = testing::allocations();
    for (int hop = 0; hop < 20; ++hop) engine.process(lanes);
    states[2]->reset();
    EXPECT_EQ(testing::allocations(), before);
    EXPECT_GT(before, 0U);
}

TEST_P(EngineOf, BlocksOfAnySizeGiveTheSameSamples) {
    Engine engine(weights_, 1, default_tier());
    const std::vector<float> in = noise(30, 11);
    BlockAdapter adapter(engine);
    adapter.settings().post_filter = true;
    std::vector<float> expected(in.size());
    adapter.process(in, expected);
    const std::vector<float> direct = run(weights_, in, {.post_filter = true});
    EXPECT_TRUE(std::equal(direct.begin(), direct.end() - kHop, expected.begin() + kHop));
    EXPECT_EQ(adapter.delay_samples(), engine.delay_samples() + kHop);
    std::mt19937 random(12);
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{37}, kHop, std::size_t{1000}, std::size_t{0}}) {
        adapter.reset();
        std::vector<float> out = in;  // in place
        for (std::size_t at = 0; at < in.size();) {
            const std::size_t some = size > 0 ? size : random() % 2000;
            const std::size_t count = std::min(some, in.size() - at);
            const std::span<float> block = std::span(out).subspan(at, count);
            adapter.process(block, block);
            at += count;
        }
        EXPECT_EQ(out, expected) << size;
    }
}

Kind kind(std::string name, SyntheticShape shape, std::size_t lookahead, bool short_form = false) {
    return {std::move(name), std::move(shape), short_form, lookahead};
}

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    EngineOf,
    ::testing::Values(
        kind("full", {}, 4),
        kind("short", {}, 2, true),
        kind("low_latency", {.conv_lookahead = 0, .df_lookahead = 0}, 0),
        kind("third", {.generation = Generation::DeepFilterNet3}, 2),
        kind("narrow",
             {.channels = 2, .hidden = 2, .groups = 1, .taps = 1, .order = 1, .df_lookahead = 0},
             2),
        kind("wide",
             {.channels = 34, .hidden = 68, .groups = 4, .taps = 5, .order = 3, .df_lookahead = 1},
             3),
        kind("far",
             {.generation = Generation::DeepFilterNet3, .conv_lookahead = 1, .df_lookahead = 3},
             3)),
    [](const auto& test) { return test.param.name; });

TEST(Engine, RefusesAStateOfAnotherModel) {
    Engine engine(make_synthetic_weights({}), 1, default_tier());
    Engine other(make_synthetic_weights({.hidden = 24}), 1, default_tier());
    const auto fallback = make_fallback_denoiser(1);
    const std::vector<float> in = noise(10, 13);
    for (const auto& state : {other.make_state(), fallback->make_state()}) {
        for (const float sample : run(engine, *state, in)) ASSERT_EQ(sample, 0.0F);
    }
}

TEST(Engine, RestoresHowTheCallerTreatsTinyNumbers) {
    Engine engine(make_synthetic_weights({}), 1, default_tier());
    const auto state = engine.make_state();
    run(engine, *state, noise(3, 14));
    volatile float tiny = std::numeric_limits<float>::min();
    tiny = tiny / 4.0F;
    EXPECT_GT(tiny, 0.0F);
}

TEST(Engine, DecaysWithoutANumberGoneWrong) {
    // Just loud enough that the silence rule does not apply, and nothing but zeros in between.
    std::vector<float> in(600 * kHop);
    for (std::size_t at = 0; at < in.size(); at += 5 * kHop) in[at] = 0.01F;
    Engine engine(make_synthetic_weights({}), 1, default_tier());
    const auto state = engine.make_state();
    for (const float sample : run(engine, *state, in)) ASSERT_TRUE(std::isfinite(sample));
    EXPECT_EQ(dynamic_cast<const Stream&>(*state).hops, 600U);
}

}  // namespace
}  // namespace hushcast::denoise
