#include "denoise/cpu_tier.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace hushcast::denoise {
namespace kernels {

#define HUSHCAST_KERNEL(name, parameters) void name parameters;
namespace scalar {
#include "denoise/kernels/kernels.inc"
}  // namespace scalar
#if defined(__x86_64__)
#  define HUSHCAST_KERNEL(name, parameters) void name parameters;
namespace avx2 {
#  include "denoise/kernels/kernels.inc"
}  // namespace avx2
#  define HUSHCAST_KERNEL(name, parameters) void name parameters;
namespace avx512 {
#  include "denoise/kernels/kernels.inc"
}  // namespace avx512
#endif

}  // namespace kernels

namespace {

bool cpu_has(std::string_view tier) {
#if defined(__x86_64__)
    if (tier == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (tier == "avx512") {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("fma");
    }
#endif
    return tier == "scalar";
}

kernels::Table table_of_scalar() {
    using namespace kernels::scalar;  // NOLINT(google-build-using-namespace): the list names them
    return {
        "scalar",
#define HUSHCAST_KERNEL(name, parameters) (name),
#include "denoise/kernels/kernels.inc"
    };
}
#if defined(__x86_64__)
kernels::Table table_of_avx2() {
    using namespace kernels::avx2;  // NOLINT(google-build-using-namespace): the list names them
    return {
        "avx2",
#  define HUSHCAST_KERNEL(name, parameters) (name),
#  include "denoise/kernels/kernels.inc"
    };
}
kernels::Table table_of_avx512() {
    using namespace kernels::avx512;  // NOLINT(google-build-using-namespace): the list names them
    return {
        "avx512",
#  define HUSHCAST_KERNEL(name, parameters) (name),
#  include "denoise/kernels/kernels.inc"
    };
}
#endif

}  // namespace

std::span<const kernels::Table> usable_tiers() {
    static const std::vector<kernels::Table> kTiers = [] {
        std::vector<kernels::Table> found;
#define HUSHCAST_TIER(name) \
  if (cpu_has(#name)) found.push_back(table_of_##name());
#include "denoise/kernels/kernels.inc"
        return found;
    }();
    return kTiers;
}

const kernels::Table& choose_tier(std::span<const kernels::Table> usable, std::string_view wanted) {
    const auto named = std::find_if(usable.begin(), usable.end(), [&](const kernels::Table& table) {
        return table.tier == wanted;
    });
    return named == usable.end() ? usable.back() : *named;
}

const kernels::Table& default_tier() {
    const char* wanted =
        std::getenv("HUSHCAST_CPU");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return choose_tier(usable_tiers(), wanted == nullptr ? "" : wanted);
}

}  // namespace hushcast::denoise
