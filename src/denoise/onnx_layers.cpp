#include "denoise/onnx_layers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>

#include "denoise/onnx.pb.h"

namespace hushcast::denoise {
namespace {

constexpr int kOnnxFloat = 1;
constexpr std::int64_t kMaxDimension = 1 << 20;
constexpr int kMaxRank = 4;
/// Node types that may own weights; a constant input of any other is plumbing.
constexpr std::array<std::string_view, 6> kWeightedTypes = {"Conv", "ConvTranspose", "Einsum",
                                                            "GRU",  "MatMul",        "Add"};

bool owns_weights(std::string_view type) {
    return std::find(kWeightedTypes.begin(), kWeightedTypes.end(), type) != kWeightedTypes.end();
}

/// A float tensor with its data in place; anything else is not a weight.
std::optional<Tensor> read_tensor(const onnx::Tensor& message) {
    if (message.data_type() != kOnnxFloat || message.dims_size() == 0 ||
        message.dims_size() > kMaxRank) {
        return std::nullopt;
    }
    Tensor tensor;
    std::size_t count = 1;
    for (const std::int64_t dimension : message.dims()) {
        if (dimension < 1 || dimension > kMaxDimension) return std::nullopt;
        tensor.shape.push_back(static_cast<std::size_t>(dimension));
        // Bounded at each step by what the file can hold, so that it cannot wrap around.
        count *= static_cast<std::size_t>(dimension);
        if (count > message.raw_data().size()) return std::nullopt;
    }
    if (message.raw_data().size() != count * sizeof(float)) return std::nullopt;
    tensor.values.resize(count);
    std::memcpy(tensor.values.data(), message.raw_data().data(), count * sizeof(float));
    if (!std::all_of(tensor.values.begin(), tensor.values.end(),
                     [](float v) { return std::isfinite(v); })) {
        return std::nullopt;
    }
    return tensor;
}

/// "erb_conv1" of "/erb_conv1/erb_conv1.0/Conv"; empty for a name of another form.
std::string_view module_of(std::string_view name) {
    if (!name.starts_with('/')) return {};
    name.remove_prefix(1);
    const std::size_t end = name.find('/');
    return end == std::string_view::npos ? std::string_view{} : name.substr(0, end);
}

using Sources = std::map<std::string_view, const onnx::Tensor*>;

/// Where weights may come from, by the name under which nodes take them.
Sources constants_of(const onnx::Graph& graph) {
    Sources sources;
    for (const onnx::Tensor& tensor : graph.initializer()) sources.emplace(tensor.name(), &tensor);
    for (const onnx::Node& node : graph.node()) {
        if (node.op_type() != "Constant" || node.output_size() != 1) continue;
        for (const onnx::Attribute& attribute : node.attribute()) {
            if (attribute.name() == "value") sources.emplace(node.output(0), &attribute.t());
        }
    }
    return sources;
}

/// The node's weights and attributes. `taken` holds the tensors that another node has taken
/// already: sharing one would let a small file grow without bound in memory.
std::optional<Layer> read_layer(const onnx::Node& node,
                                const Sources& sources,
                                std::set<const onnx::Tensor*>& taken) {
    Layer layer;
    layer.type = node.op_type();
    for (const std::string& input : node.input()) {
        const auto source = input.empty() ? sources.end() : sources.find(input);
        if (source == sources.end() || !taken.insert(source->second).second) continue;
        if (std::optional<Tensor> tensor = read_tensor(*source->second)) {
            layer.weights.push_back(std::move(*tensor));
        }
    }
    if (layer.weights.empty()) return std::nullopt;
    for (const onnx::Attribute& attribute : node.attribute()) {
        if (attribute.name() == "group") layer.groups = static_cast<std::size_t>(attribute.i());
        if (attribute.name() == "linear_before_reset") {
            layer.linear_before_reset = attribute.i() == 1;
        }
        if (attribute.name() == "strides") {
            layer.strides.assign(attribute.ints().begin(), attribute.ints().end());
        }
    }
    return layer;
}

}  // namespace

Result<Modules, ModelError> read_onnx(Bytes file) {
    if (file.size() > kMaxOnnxBytes) return ModelError{"is larger than any model"};
    onnx::Model model;
    if (!model.ParseFromArray(file.data(), static_cast<int>(file.size())) || !model.has_graph()) {
        return ModelError{"is not an ONNX file"};
    }
    const onnx::Graph& graph = model.graph();
    if (static_cast<std::size_t>(graph.node_size()) > kMaxOnnxNodes ||
        static_cast<std::size_t>(graph.initializer_size()) > kMaxOnnxNodes) {
        return ModelError{"has more nodes than any model"};
    }
    const Sources sources = constants_of(graph);
    std::set<const onnx::Tensor*> taken;
    Modules modules;
    for (const onnx::Node& node : graph.node()) {
        const std::string_view module = module_of(node.name());
        if (module.empty() || !owns_weights(node.op_type())) continue;
        if (std::optional<Layer> layer = read_layer(node, sources, taken)) {
            modules[std::string(module)].push_back(std::move(*layer));
        }
    }
    return modules;
}

}  // namespace hushcast::denoise
