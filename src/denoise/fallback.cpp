// WebRTC's classical noise suppression behind the Denoiser interface: what a server without weights
// has.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include <webrtc/modules/audio_processing/include/audio_processing.h>

#include "denoise/models.hpp"

namespace hushcast::denoise {
namespace {

/// Measured (fallback_test.cpp): the library splits the signal into three bands and joins them
/// again.
constexpr std::size_t kDelay = 335;
constexpr float kNoLimitDb = 100.0F;

class FallbackStream final : public StreamState {
public:
    FallbackStream() : processor_(webrtc::AudioProcessing::Create()) { start(); }

    /// The library's own initialisation may allocate.
    void reset() noexcept override { start(); }

    void process(std::span<const float, kHop> in, std::span<float, kHop> out) {
        std::array<float, kHop> samples{};
        for (std::size_t n = 0; n < kHop; ++n) {
            samples[n] = std::isfinite(in[n]) ? std::clamp(in[n], -1.0F, 1.0F) : 0.0F;
        }
        const float* const from = samples.data();
        float* const to = out.data();
        if (processor_ == nullptr ||
            processor_->ProcessStream(&from, kHop, kSampleRateHz, webrtc::AudioProcessing::kMono,
                                      kSampleRateHz, webrtc::AudioProcessing::kMono, &to) != 0) {
            std::fill(out.begin(), out.end(), 0.0F);
        }
        limit_attenuation(samples, out);
    }

private:
    void start() {
        before_.fill(0.0F);
        if (processor_ == nullptr) return;
        processor_->Initialize();
        processor_->noise_suppression()->set_level(webrtc::NoiseSuppression::kHigh);
        processor_->noise_suppression()->Enable(true);
    }

    /// Mixes the input back in, as late as the output is.
    void limit_attenuation(const std::array<float, kHop>& in, std::span<float, kHop> out) {
        static_assert(kDelay <= kHop);
        if (settings.attenuation_limit_db < kNoLimitDb) {
            const float share =
                std::pow(10.0F, -std::max(settings.attenuation_limit_db, 0.0F) / 20.0F);
            for (std::size_t n = 0; n < kHop; ++n) {
                const float noisy = n < kDelay ? before_[n] : in[n - kDelay];
                out[n] = (1.0F - share) * out[n] + share * noisy;
            }
        }
        std::copy(in.end() - kDelay, in.end(), before_.begin());
    }

    std::unique_ptr<webrtc::AudioProcessing> processor_;
    std::array<float, kDelay> before_{};  ///< the last samples of the hop before
};

class Fallback final : public Denoiser {
public:
    explicit Fallback(std::size_t max_batch) : max_batch_(std::max<std::size_t>(max_batch, 1)) {}

    [[nodiscard]] std::string_view name() const override { return "WebRTC noise suppression"; }
    [[nodiscard]] std::size_t delay_samples() const override { return kDelay; }
    [[nodiscard]] std::unique_ptr<StreamState> make_state() const override {
        return std::make_unique<FallbackStream>();
    }
    [[nodiscard]] std::size_t max_batch() const override { return max_batch_; }
    /// One stream after the other. The library takes a lock that nobody else holds.
    void process(std::span<const Lane> lanes) noexcept override {
        for (const Lane& lane : lanes) {
            if (auto* stream = dynamic_cast<FallbackStream*>(lane.state)) {
                stream->process(lane.in, lane.out);
            } else {
                std::fill(lane.out.begin(), lane.out.end(), 0.0F);
            }
        }
    }

private:
    std::size_t max_batch_;
};

}  // namespace

std::unique_ptr<Denoiser> make_fallback_denoiser(std::size_t max_batch) {
    return std::make_unique<Fallback>(max_batch);
}

}  // namespace hushcast::denoise
