#include "main/denoise_file.hpp"

#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hushcast::main {
namespace {

using denoise::kHop;

/// Gives back what came in, some samples later.
class Late final : public denoise::Denoiser {
public:
    explicit Late(std::size_t delay) : delay_(delay) {}

    [[nodiscard]] std::string_view name() const override { return "late"; }
    [[nodiscard]] std::size_t delay_samples() const override { return delay_; }
    [[nodiscard]] std::unique_ptr<denoise::StreamState> make_state() const override {
        return std::make_unique<Line>(delay_);
    }
    [[nodiscard]] std::size_t max_batch() const override { return 8; }

    void process(std::span<const denoise::Lane> lanes) noexcept override {
        for (const denoise::Lane& lane : lanes) {
            auto& line = dynamic_cast<Line&>(*lane.state).waiting;
            line.insert(line.end(), lane.in.begin(), lane.in.end());
            std::copy_n(line.begin(), kHop, lane.out.begin());
            line.erase(line.begin(), line.begin() + kHop);
        }
    }

private:
    struct Line final : denoise::StreamState {
        explicit Line(std::size_t delay) : waiting(delay) {}
        void reset() noexcept override { std::fill(waiting.begin(), waiting.end(), 0.0F); }
        std::vector<float> waiting;
    };

    std::size_t delay_;
};

std::vector<float> ramp(std::size_t samples) {
    std::vector<float> values(samples);
    for (std::size_t n = 0; n < samples; ++n) values[n] = static_cast<float>(n + 1);
    return values;
}

std::vector<float> passed_through(const std::vector<float>& in,
                                  std::size_t delay,
                                  std::size_t channels,
                                  std::size_t block_frames) {
    Late late(delay);
    AlignedDenoiser aligned(late, channels, {});
    std::vector<float> out;
    const std::size_t step = block_frames * channels;
    for (std::size_t at = 0; at < in.size(); at += step) {
        aligned.process(std::span(in).subspan(at, std::min(step, in.size() - at)), out);
    }
    aligned.flush(out);
    return out;
}

TEST(AlignedDenoiser, GivesBackEverySampleAtItsPlace) {
    for (const std::size_t delay : {0U, 1U, 335U, 480U, 1'440U, 2'400U}) {
        for (const std::size_t frames : {0U, 1U, 479U, 480U, 481U, 5'000U}) {
            for (const std::size_t channels : {1U, 2U, 8U}) {
                const std::vector<float> in = ramp(frames * channels);
                EXPECT_EQ(passed_through(in, delay, channels, 480), in)
                    << delay << " late, " << frames << " frames, " << channels << " channels";
            }
        }
    }
}

TEST(AlignedDenoiser, DoesNotCareAboutBlocks) {
    const std::vector<float> in = ramp(2 * 5'000);
    for (const std::size_t block : {1U, 100U, 479U, 4'800U, 10'000U}) {
        EXPECT_EQ(passed_through(in, 1'440, 2, block), in) << block;
    }
}

TEST(FramesAtRate, RoundsAndDoesNotOverflow) {
    EXPECT_EQ(frames_at_rate(0, 44'100, 48'000), 0U);
    EXPECT_EQ(frames_at_rate(44'100, 44'100, 48'000), 48'000U);
    EXPECT_EQ(frames_at_rate(1, 96'000, 48'000), 1U);
    EXPECT_EQ(frames_at_rate(1, 192'000, 48'000), 0U);
    EXPECT_EQ(frames_at_rate(std::uint64_t{1} << 62U, 768'000, 48'000), std::uint64_t{1} << 58U);
}

}  // namespace
}  // namespace hushcast::main
