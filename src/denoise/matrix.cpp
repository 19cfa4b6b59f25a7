#include "denoise/matrix.hpp"

#include <algorithm>

namespace hushcast::denoise {

using kernels::kGroup;
using kernels::kPanel;

Matrix::Matrix(const MatrixView& view, std::span<const float> bias)
    : inner_(view.inner), columns_(view.columns) {
    const std::size_t padded = (columns_ + kPanel - 1) / kPanel * kPanel;
    bias_.resize(padded);
    std::copy(bias.begin(), bias.end(), bias_.begin());
    weights_.resize(inner_ * padded);
    float* out = weights_.data();
    for (std::size_t column = 0; column < padded; column += kGroup) {
        const std::size_t width = std::min(kGroup, padded - column);
        for (std::size_t k = 0; k < inner_; ++k, out += width) {
            const std::size_t real = std::min(width, columns_ - column);
            for (std::size_t n = 0; n < real; ++n) {
                out[n] = view.data[k * view.row_step + (column + n) * view.column_step];
            }
        }
    }
}

void Matrix::multiply(const kernels::Table& kernels, const Rows& rows) const {
    kernels.product({.x = rows.x,
                     .x_stride = rows.x_stride,
                     .rows = rows.count,
                     .weights = weights_.data(),
                     .bias = bias_.data(),
                     .inner = inner_,
                     .columns = columns_,
                     .y = rows.y,
                     .y_stride = rows.y_stride,
                     .rectify = rows.rectify});
}

}  // namespace hushcast::denoise
