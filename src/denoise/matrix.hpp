// Weight matrices in the order in which the kernels read them.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <vector>

#include "denoise/kernels/kernels.hpp"

namespace hushcast::denoise {

inline constexpr std::size_t kCacheLine = 64;

template <typename T>
struct CacheAligned {
    using value_type = T;

    CacheAligned() = default;
    template <typename U>
    // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
    CacheAligned(const CacheAligned<U>& /*other*/) {}

    T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{kCacheLine}));
    }
    void deallocate(T* memory, std::size_t /*count*/) {
        ::operator delete (memory, std::align_val_t{kCacheLine});
    }
    bool operator==(const CacheAligned& /*other*/) const { return true; }
};

/// Memory for numbers, beginning on a cache line.
using Floats = std::vector<float, CacheAligned<float>>;

/// Where the entries of an unpacked matrix lie: entry (k, n) at data[k · row_step + n ·
/// column_step].
struct MatrixView {
    std::span<const float> data;
    std::size_t inner;
    std::size_t columns;
    std::size_t row_step;
    std::size_t column_step;
};

/// A matrix and a bias, packed for kernels::Product.
class Matrix {
public:
    Matrix() = default;
    /// @param bias  one number per column, or empty for none.
    explicit Matrix(const MatrixView& view, std::span<const float> bias = {});

    [[nodiscard]] std::size_t inner() const { return inner_; }
    [[nodiscard]] std::size_t columns() const { return columns_; }

    /// y[r] = x[r] · matrix + bias for `rows` rows.
    struct Rows {
        const float* x = nullptr;
        std::size_t x_stride = 0;
        float* y = nullptr;
        std::size_t y_stride = 0;
        std::size_t count = 0;
        bool rectify = false;
    };
    void multiply(const kernels::Table& kernels, const Rows& rows) const;

private:
    std::size_t inner_ = 0;
    std::size_t columns_ = 0;
    Floats weights_;
    Floats bias_;
};

}  // namespace hushcast::denoise
