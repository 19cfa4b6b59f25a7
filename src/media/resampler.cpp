#include "media/resampler.hpp"

#include <new>

#include <soxr.h>

namespace hushcast::media {
namespace {
constexpr std::size_t kBlockFrames = 4'096;
}  // namespace

void Resampler::Deleter::operator()(soxr* resampler) const noexcept { soxr_delete(resampler); }

Resampler::Resampler(int in_hz, int out_hz, std::size_t channels) : channels_(channels) {
    if (in_hz == out_hz) return;
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
    soxr_error_t error = nullptr;
    soxr_.reset(soxr_create(in_hz, out_hz, static_cast<unsigned>(channels), &error, nullptr,
                            &quality, nullptr));
    if (error != nullptr || soxr_ == nullptr) throw std::bad_alloc();
}

void Resampler::process(std::span<const float> in, std::vector<float>& out) {
    if (soxr_ == nullptr) {
        out.insert(out.end(), in.begin(), in.end());
    } else if (!in.empty()) {
        pump(in.data(), in.size() / channels_, out);
    }
}

void Resampler::flush(std::vector<float>& out) {
    if (soxr_ != nullptr) pump(nullptr, 0, out);
}

void Resampler::pump(const float* in, std::size_t frames, std::vector<float>& out) {
    std::size_t made = 0;
    do {
        const std::size_t before = out.size();
        out.resize(before + kBlockFrames * channels_);
        std::size_t used = 0;
        made = 0;
        if (soxr_process(soxr_.get(), in, frames, &used, out.data() + before, kBlockFrames,
                         &made) != nullptr) {
            throw std::bad_alloc();
        }
        out.resize(before + made * channels_);
        if (in != nullptr) in += used * channels_;
        frames -= used;
    } while (made == kBlockFrames || frames > 0);
}

}  // namespace hushcast::media
