// Time per hop: per model, per CPU tier, alone and in batches. Models from $HUSHCAST_SHARED/models,
// else from
// ../shared/models; what is not there is left out.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "denoise/cpu_tier.hpp"
#include "denoise/engine.hpp"
#include "denoise/models.hpp"

namespace hushcast::denoise {
namespace {

void hop(benchmark::State& state,
         const std::shared_ptr<const Weights>& weights,
         const kernels::Table& tier,
         std::size_t batch) {
    Engine engine(weights, batch, tier);
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.0F, 0.05F);
    std::vector<float> noise(100 * kHop);
    for (float& sample : noise) sample = normal(random);
    std::vector<float> out(batch * kHop);
    std::vector<std::unique_ptr<StreamState>> streams;
    for (std::size_t i = 0; i < batch; ++i) streams.push_back(engine.make_state());

    std::vector<Lane> lanes;
    std::size_t at = 0;
    while (state.KeepRunning()) {
        lanes.clear();
        for (std::size_t i = 0; i < batch; ++i) {
            lanes.push_back({streams[i].get(), std::span(noise).subspan(at).first<kHop>(),
                             std::span(out).subspan(i * kHop).first<kHop>()});
        }
        engine.process(lanes);
        benchmark::DoNotOptimize(out.data());
        at = (at + kHop) % noise.size();
    }
    state.counters["per_stream_hop"] = benchmark::Counter(
        static_cast<double>(batch),
        benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void register_model(const ModelInfo& model,
                    const std::shared_ptr<const Weights>& weights,
                    const kernels::Table& tier) {
    for (const std::size_t batch : {1U, 8U, 32U}) {
        const std::string name =
            std::string(model.id) + "/" + tier.tier + "/batch:" + std::to_string(batch);
        const auto measure = [weights, &tier, batch](benchmark::State& state) {
            hop(state, weights, tier, batch);
        };
        benchmark::RegisterBenchmark(name.c_str(), measure)->Unit(benchmark::kMicrosecond);
    }
}

void register_all() {
    const char* shared =
        std::getenv("HUSHCAST_SHARED");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    const std::filesystem::path root =
        (shared == nullptr ? std::filesystem::path("../shared") : std::filesystem::path(shared)) /
        "models";
    for (const ModelInfo& model : known_models()) {
        const auto weights = load_weights(model, root);
        if (!weights) continue;
        for (const kernels::Table& tier : usable_tiers()) register_model(model, *weights, tier);
    }
}

}  // namespace
}  // namespace hushcast::denoise

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    hushcast::denoise::register_all();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
