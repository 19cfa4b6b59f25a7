// The layers with weights of an ONNX graph, without its plumbing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "denoise/models.hpp"

namespace hushcast::denoise {

/// Largest file that is looked at: the official ones have 3.4 MB at most.
inline constexpr std::size_t kMaxOnnxBytes = 32U << 20U;
/// Nodes, initializers and layers of one graph; the official ones have fewer than 300.
inline constexpr std::size_t kMaxOnnxNodes = 4096;

struct Tensor {
    std::vector<std::size_t> shape;  ///< every dimension at least 1, four at most
    std::vector<float> values;       ///< finite
};

/// A node that owns weights.
struct Layer {
    std::string type;             ///< Conv, ConvTranspose, Einsum, GRU, MatMul or Add
    std::vector<Tensor> weights;  ///< its constant inputs in order
    std::size_t groups = 1;
    std::vector<std::size_t> strides;
    bool linear_before_reset = false;
};

/// The layers of each module in graph order. A module is the first component of a node's name:
/// "erb_conv1" of "/erb_conv1/erb_conv1.0/Conv".
using Modules = std::map<std::string, std::vector<Layer>, std::less<>>;

/// Reads a file of opset 12 in float32 with raw data (docs/denoiser.md). Weights are taken from
/// initializers and from Constant nodes.
Result<Modules, ModelError> read_onnx(Bytes file);

}  // namespace hushcast::denoise
