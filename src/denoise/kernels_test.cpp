// Every kernel of every tier against the plain formula in double, at awkward lengths and
// alignments.
#include <cmath>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "denoise/cpu_tier.hpp"
#include "denoise/matrix.hpp"

namespace hushcast::denoise {
namespace {

constexpr float kUntouched =
    12345.0F;  ///< around every result, to see what is written past its end

/// Numbers that begin `offset` floats after a cache line.
class Array {
public:
    Array(std::size_t size, std::size_t offset)
        : offset_(offset), size_(size), all_(size + offset + 32, kUntouched) {}
    Array(std::size_t size, std::size_t offset, std::mt19937& random, float spread = 1.0F)
        : Array(size, offset) {
        std::normal_distribution<float> normal(0.0F, spread);
        for (std::size_t i = 0; i < size; ++i) data()[i] = normal(random);
    }

    float* data() { return all_.data() + offset_; }
    [[nodiscard]] double at(std::size_t i) const { return static_cast<double>(all_[offset_ + i]); }
    [[nodiscard]] bool intact_around() const {
        for (std::size_t i = 0; i < all_.size(); ++i) {
            if ((i < offset_ || i >= offset_ + size_) && all_[i] != kUntouched) return false;
        }
        return true;
    }

private:
    std::size_t offset_;
    std::size_t size_;
    Floats all_;
};

constexpr std::array<std::size_t, 9> kCounts = {1, 2, 7, 15, 16, 17, 33, 64, 95};

class Kernels : public ::testing::TestWithParam<const kernels::Table*> {
protected:
    const kernels::Table& kernels_ = *GetParam();
    std::mt19937 random_{11};
};

// NOLINTNEXTLINE(readability-function-size): a loop for each dimension of the shape
TEST_P(Kernels, Product) {
    for (const std::size_t columns : {1U, 10U, 16U, 25U, 60U, 64U, 65U, 120U, 200U}) {
        for (const std::size_t rows : {1U, 2U, 5U, 8U, 13U}) {
            const std::size_t inner = 1 + (columns * 7 + rows) % 40;
            const std::size_t offset = (columns + rows) % 5;
            Array x(rows * (inner + 3), offset, random_);
            Array w(inner * columns, 1, random_);
            Array bias(columns, 2, random_);
            Array y(rows * columns, offset);
            const Matrix matrix({{w.data(), inner * columns}, inner, columns, 1, inner},
                                {bias.data(), columns});
            const bool rectify = rows % 2 == 0;
            matrix.multiply(kernels_, {.x = x.data(),
                                       .x_stride = inner + 3,
                                       .y = y.data(),
                                       .y_stride = columns,
                                       .count = rows,
                                       .rectify = rectify});
            for (std::size_t row = 0; row < rows; ++row) {
                for (std::size_t column = 0; column < columns; ++column) {
                    double sum = bias.at(column);
                    for (std::size_t k = 0; k < inner; ++k) {
                        sum += x.at(row * (inner + 3) + k) * w.at(column * inner + k);
                    }
                    if (rectify) sum = std::max(sum, 0.0);
                    ASSERT_NEAR(y.at(row * columns + column), sum, 2e-5)
                        << rows << " x " << columns;
                }
            }
            EXPECT_TRUE(y.intact_around()) << rows << " x " << columns;
        }
    }
}

TEST_P(Kernels, ARowOfAProductDoesNotDependOnItsCompany) {
    constexpr std::size_t kRows = 21;
    constexpr std::size_t kInner = 50;
    constexpr std::size_t kColumns = 90;
    Array x(kRows * kInner, 0, random_);
    Array w(kInner * kColumns, 0, random_);
    const Matrix matrix({{w.data(), kInner * kColumns}, kInner, kColumns, kColumns, 1});
    Array together(kRows * kColumns, 0);
    Array alone(kRows * kColumns, 0);
    matrix.multiply(kernels_, {x.data(), kInner, together.data(), kColumns, kRows});
    for (std::size_t row = 0; row < kRows; ++row) {
        matrix.multiply(kernels_, {x.data() + row * kInner, kInner, alone.data() + row * kColumns,
                                   kColumns, 1});
    }
    for (std::size_t i = 0; i < kRows * kColumns; ++i) ASSERT_EQ(together.at(i), alone.at(i));
}

// NOLINTNEXTLINE(readability-function-size): a loop for each dimension of the shape
TEST_P(Kernels, Depthwise3) {
    for (const std::size_t channels : kCounts) {
        for (const std::size_t stride : {1U, 2U}) {
            constexpr std::size_t kRows = 5;
            Array in((kRows * stride + 3) * channels, channels % 4, random_);
            Array w(3 * channels, 1, random_);
            Array out(kRows * channels, 3);
            kernels_.depthwise3({in.data(), w.data(), out.data(), channels, kRows, stride});
            for (std::size_t i = 0; i < kRows * channels; ++i) {
                double sum = 0.0;
                for (std::size_t j = 0; j < 3; ++j) {
                    sum += w.at(j * channels + i % channels) *
                           in.at((i / channels * stride + j) * channels + i % channels);
                }
                ASSERT_NEAR(out.at(i), sum, 1e-5) << channels;
            }
            EXPECT_TRUE(out.intact_around()) << channels;
        }
    }
}

TEST_P(Kernels, Transposed3) {
    for (const std::size_t channels : kCounts) {
        constexpr std::size_t kRows = 10;
        Array in((kRows / 2 + 1) * channels, channels % 4, random_);
        Array w(3 * channels, 1, random_);
        Array out(kRows * channels, 2);
        kernels_.transposed3({in.data(), w.data(), out.data(), channels, kRows, 2});
        for (std::size_t i = 0; i < kRows * channels; ++i) {
            const std::size_t row = i / channels;
            const std::size_t channel = i % channels;
            const double here = in.at(row / 2 * channels + channel);
            const double next = in.at((row / 2 + 1) * channels + channel);
            const double expected =
                row % 2 == 0 ? w.at(channels + channel) * here
                             : w.at(2 * channels + channel) * here + w.at(channel) * next;
            ASSERT_NEAR(out.at(i), expected, 1e-5) << channels;
        }
        EXPECT_TRUE(out.intact_around()) << channels;
    }
}

TEST_P(Kernels, AddRectified) {
    for (const std::size_t channels : kCounts) {
        constexpr std::size_t kRows = 3;
        Array in(kRows * channels, 1, random_);
        Array gain(channels, 2, random_);
        Array offset(channels, 3, random_);
        Array sum(kRows * channels, channels % 4, random_);
        const Array before = sum;
        kernels_.add_rectified(
            {in.data(), gain.data(), offset.data(), sum.data(), channels, kRows});
        for (std::size_t i = 0; i < kRows * channels; ++i) {
            const std::size_t channel = i % channels;
            ASSERT_NEAR(
                sum.at(i),
                before.at(i) + std::max(0.0, gain.at(channel) * in.at(i) + offset.at(channel)),
                1e-5);
        }
        EXPECT_TRUE(sum.intact_around()) << channels;
    }
}

double logistic(double x) { return 1.0 / (1.0 + std::exp(-x)); }

TEST_P(Kernels, GruGates) {
    for (const std::size_t hidden : kCounts) {
        Array input(3 * hidden, 1, random_, 2.0F);
        Array recurrent(3 * hidden, 2, random_, 2.0F);
        Array state(hidden, hidden % 4, random_, 0.5F);
        const Array before = state;
        kernels_.gru_gates({input.data(), recurrent.data(), state.data(), hidden});
        for (std::size_t i = 0; i < hidden; ++i) {
            const double z = logistic(input.at(i) + recurrent.at(i));
            const double r = logistic(input.at(hidden + i) + recurrent.at(hidden + i));
            const double n = std::tanh(input.at(2 * hidden + i) + r * recurrent.at(2 * hidden + i));
            ASSERT_NEAR(state.at(i), (1.0 - z) * n + z * before.at(i), 1e-6) << hidden;
        }
        EXPECT_TRUE(state.intact_around()) << hidden;
    }
}

TEST_P(Kernels, SigmoidAndTanhOverTheirWholeRange) {
    constexpr std::size_t kCount = 4001;
    Array values(kCount, 1);
    Array tangents(kCount, 2);
    Array zeros(kCount, 3);
    for (std::size_t i = 0; i < kCount; ++i) {
        // -200…200, denser towards zero
        const float at = static_cast<float>(i) / 2000.0F - 1.0F;
        values.data()[i] = tangents.data()[i] = 200.0F * at * at * at;
        zeros.data()[i] = 1.0F;
    }
    const Array x = values;
    kernels_.sigmoid(values.data(), kCount);
    kernels_.tanh_add(tangents.data(), zeros.data(), kCount);
    for (std::size_t i = 0; i < kCount; ++i) {
        ASSERT_NEAR(values.at(i), logistic(x.at(i)), 3e-7) << x.at(i);
        ASSERT_NEAR(tangents.at(i) - 1.0, std::tanh(x.at(i)), 5e-7) << x.at(i);
    }
    EXPECT_TRUE(values.intact_around());
    EXPECT_TRUE(tangents.intact_around());
}

std::vector<const kernels::Table*> all_tiers() {
    std::vector<const kernels::Table*> tiers;
    for (const kernels::Table& tier : usable_tiers()) tiers.push_back(&tier);
    return tiers;
}

INSTANTIATE_TEST_SUITE_P(Tiers, Kernels, ::testing::ValuesIn(all_tiers()), [](const auto& test) {
    return std::string(test.param->tier);
});

TEST(CpuTier, IsTheFastestUnlessNamed) {
    const std::vector<kernels::Table> some = {
        {.tier = "scalar"}, {.tier = "middle"}, {.tier = "fast"}};
    EXPECT_STREQ(choose_tier(some, "").tier, "fast");
    EXPECT_STREQ(choose_tier(some, "middle").tier, "middle");
    EXPECT_STREQ(choose_tier(some, "avx1024").tier, "fast");
}

TEST(CpuTier, EveryTierHasEveryKernel) {
    ASSERT_FALSE(usable_tiers().empty());
    EXPECT_STREQ(usable_tiers().front().tier, "scalar");
    std::set<std::string> names;
    for (const kernels::Table& table : usable_tiers()) {
        EXPECT_TRUE(names.insert(table.tier).second) << table.tier;
#define HUSHCAST_KERNEL(name, parameters) EXPECT_NE(table.name, nullptr) << #name;
#include "denoise/kernels/kernels.inc"
    }
}

}  // namespace
}  // namespace hushcast::denoise
