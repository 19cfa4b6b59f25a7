#include "main/denoise_file.hpp"

#include <algorithm>

#include "media/resampler.hpp"

namespace hushcast::main {
namespace {
using denoise::kHop;
/// Large enough that calls cost nothing, small enough to stay in the cache.
constexpr std::size_t kBlockFrames = 10 * kHop;
}  // namespace

AlignedDenoiser::AlignedDenoiser(denoise::Denoiser& denoiser,
                                 std::size_t channels,
                                 const denoise::StreamSettings& settings)
    : denoiser_(denoiser),
      channels_(channels),
      planes_(channels * kHop),
      skip_frames_(denoiser.delay_samples()) {
    for (std::size_t channel = 0; channel < channels; ++channel) {
        states_.push_back(denoiser.make_state());
        states_.back()->settings = settings;
        const std::span<float, kHop> plane(planes_.data() + channel * kHop, kHop);
        lanes_.push_back({states_.back().get(), plane, plane});
    }
}

void AlignedDenoiser::process(std::span<const float> in, std::vector<float>& out) {
    owed_frames_ += in.size() / channels_;
    waiting_.insert(waiting_.end(), in.begin(), in.end());
    const std::size_t hop = kHop * channels_;
    std::size_t at = 0;
    for (; waiting_.size() - at >= hop; at += hop) run_hop(waiting_.data() + at, out);
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(at));
}

void AlignedDenoiser::flush(std::vector<float>& out) {
    while (owed_frames_ > 0) {
        waiting_.resize(kHop * channels_);  // silence after the end
        run_hop(waiting_.data(), out);
        waiting_.clear();
    }
}

void AlignedDenoiser::run_hop(const float* interleaved, std::vector<float>& out) {
    for (std::size_t channel = 0; channel < channels_; ++channel) {
        for (std::size_t n = 0; n < kHop; ++n) {
            planes_[channel * kHop + n] = interleaved[n * channels_ + channel];
        }
    }
    denoiser_.process(lanes_);
    const std::size_t skipped = std::min(skip_frames_, kHop);
    skip_frames_ -= skipped;
    const auto given =
        static_cast<std::size_t>(std::min<std::uint64_t>(kHop - skipped, owed_frames_));
    owed_frames_ -= given;
    for (std::size_t n = skipped; n < skipped + given; ++n) {
        for (std::size_t channel = 0; channel < channels_; ++channel) {
            out.push_back(planes_[channel * kHop + n]);
        }
    }
}

std::optional<media::AudioError> denoise_file(media::AudioReader& reader,
                                              media::AudioWriter& writer,
                                              int out_rate_hz,
                                              AlignedDenoiser& denoiser,
                                              const OnProgress& on_progress) {
    const int in_rate_hz = reader.info().rate_hz;
    const std::size_t channels = reader.info().channels;
    media::Resampler to_model(in_rate_hz, denoise::kSampleRateHz, channels);
    media::Resampler from_model(denoise::kSampleRateHz, out_rate_hz, channels);
    std::vector<float> block(kBlockFrames * channels);
    std::vector<float> noisy;
    std::vector<float> clean;
    std::vector<float> out;
    std::uint64_t written = 0;

    for (;;) {
        const Result<std::size_t, media::AudioError> got = reader.read(block);
        if (!got) return got.error();
        const bool end = *got == 0;
        noisy.clear();
        clean.clear();
        out.clear();
        to_model.process(std::span(block).first(*got * channels), noisy);
        if (end) to_model.flush(noisy);
        denoiser.process(noisy, clean);
        if (end) denoiser.flush(clean);
        from_model.process(clean, out);
        if (end) {
            from_model.flush(out);
            // Two conversions may differ from the exact length by a sample.
            const std::uint64_t length =
                frames_at_rate(reader.frames_read(), in_rate_hz, out_rate_hz);
            out.resize(static_cast<std::size_t>(length - std::min(length, written)) * channels);
        }
        if (auto error = writer.write(out)) return error;
        written += out.size() / channels;
        if (end || !on_progress(reader.frames_read())) return std::nullopt;
    }
}

std::uint64_t frames_at_rate(std::uint64_t frames, int in_hz, int out_hz) {
    const auto in = static_cast<std::uint64_t>(in_hz);
    const auto out = static_cast<std::uint64_t>(out_hz);
    // Whole seconds apart, so that no length overflows.
    return frames / in * out + (frames % in * out + in / 2) / in;
}

}  // namespace hushcast::main
