#include "dsp/bands.hpp"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hushcast::dsp {
namespace {

TEST(VorbisWindow, SquaresOverlapAddToOne) {
    const std::vector<float> window = vorbis_window(960);
    for (std::size_t n = 0; n < 480; ++n) {
        EXPECT_NEAR(window[n] * window[n] + window[n + 480] * window[n + 480], 1.0F, 1e-6F);
        EXPECT_FLOAT_EQ(window[n], window[959 - n]);
    }
}

TEST(ErbWidths, AreThoseTheNetworksWereTrainedWith) {
    EXPECT_THAT(erb_widths({}),
                testing::ElementsAre(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 7, 7, 8, 10, 12,
                                     13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67));
}

TEST(ErbWidths, CoverEveryBinOfOtherLayouts) {
    for (const std::size_t bands : {8U, 16U, 24U, 40U}) {
        const auto widths = erb_widths({.fft_size = 960, .bands = bands});
        EXPECT_EQ(std::accumulate(widths.begin(), widths.end(), std::size_t{0}), 481U) << bands;
        EXPECT_THAT(widths, testing::Each(testing::Ge(2U)));
    }
}

}  // namespace
}  // namespace hushcast::dsp
