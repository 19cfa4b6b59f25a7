// The inner loops of the network, one set per CPU tier. The files compiled with CPU flags include
// this header: it must hold no inline code, or the linker might keep their copy of it for every
// CPU.
//
// Activations are stored [frequency][channel], channel fastest. No pointer needs any alignment.
#pragma once

#include <cstddef>

namespace hushcast::denoise::kernels {

/// Weights of a product are packed in groups of up to kGroup columns, one after the other. A group
/// is [inner][width] with width = its columns rounded up to kPanel; missing columns are zeros.
inline constexpr std::size_t kPanel = 16;
inline constexpr std::size_t kGroup = 64;

/// y[r, n] = Σ_k x[r, k] · w[k, n] + bias[n], then ReLU if asked for. Each result is summed in the
/// order of k, whatever the number of rows: a row does not depend on its company, not in the last
/// bit.
struct Product {
    const float* x;
    std::size_t x_stride;  ///< from one row to the next
    std::size_t rows;
    const float* weights;  ///< packed
    const float* bias;     ///< `columns` rounded up to kPanel
    std::size_t inner;
    std::size_t columns;
    float* y;
    std::size_t y_stride;
    bool rectify;
};

/// A kernel of 3 over frequency for each channel on its own. Row i of `out` is channels wide.
/// depthwise3:  out[i] = Σ_j w[j] · in[i · stride + j], j = 0…2 (`in` starts at the row of zeros
/// before the data); transposed3: out[2i] = w[1] · in[i], out[2i+1] = w[2] · in[i] + w[0] · in[i+1]
/// (a row of zeros follows the data).
struct Depthwise3 {
    const float* in;
    const float* weights;  ///< [3][channels]
    float* out;
    std::size_t channels;
    std::size_t rows;    ///< of `out`; even for transposed3
    std::size_t stride;  ///< 1 or 2; 2 for transposed3
};

/// sum[i, c] += max(0, gain[c] · in[i, c] + offset[c]).
struct AddRectified {
    const float* in;
    const float* gain;
    const float* offset;
    float* sum;
    std::size_t channels;
    std::size_t rows;
};

/// One step of a GRU (gates z, r, n) from its two products, biases included:
/// z = σ(iz + rz), r = σ(ir + rr), n = tanh(in + r · rn), h ← (1 - z) n + z h.
struct GruGates {
    const float* input;      ///< [3][hidden]
    const float* recurrent;  ///< [3][hidden]
    float* state;            ///< h, [hidden]
    std::size_t hidden;
};

/// One tier's kernels. sigmoid works in place; tanh_add: values ← tanh(values) + offsets.
struct Table {
    const char* tier = nullptr;
// NOLINTNEXTLINE(bugprone-macro-parentheses): a name and a parameter list
#define HUSHCAST_KERNEL(name, parameters) void(*name) parameters = nullptr;
#include "denoise/kernels/kernels.inc"
};

}  // namespace hushcast::denoise::kernels
