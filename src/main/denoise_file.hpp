// A whole sound file through a denoiser, in constant memory, aligned with what came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "denoise/denoiser.hpp"
#include "media/audio_file.hpp"

namespace hushcast::main {

/// Sound of any number of channels through a denoiser at 48 kHz; the delay is taken out again:
/// sample n of the output belongs to sample n of the input, and there are exactly as many.
class AlignedDenoiser {
public:
    /// @param denoiser  must outlive this and take a batch of `channels`.
    AlignedDenoiser(denoise::Denoiser& denoiser,
                    std::size_t channels,
                    const denoise::StreamSettings& settings);

    /// Takes whole interleaved frames and appends to `out` what is ready.
    void process(std::span<const float> in, std::vector<float>& out);
    /// Appends the rest. Call once.
    void flush(std::vector<float>& out);

private:
    void run_hop(const float* interleaved, std::vector<float>& out);

    denoise::Denoiser& denoiser_;
    std::size_t channels_;
    std::vector<std::unique_ptr<denoise::StreamState>> states_;
    std::vector<float> planes_;  ///< one hop of each channel
    std::vector<denoise::Lane> lanes_;
    std::vector<float> waiting_;     ///< less than a hop, interleaved
    std::size_t skip_frames_;        ///< of the denoiser's delay, still to be dropped
    std::uint64_t owed_frames_ = 0;  ///< taken and not yet given back
};

/// Called after each block with the frames read so far; false stops.
using OnProgress = std::function<bool(std::uint64_t frames)>;

/// Everything from `reader` to `writer`, which expects `out_rate_hz` and the reader's channels; the
/// caller commits. Gives nothing when all went well or when `on_progress` stopped it.
std::optional<media::AudioError> denoise_file(media::AudioReader& reader,
                                              media::AudioWriter& writer,
                                              int out_rate_hz,
                                              AlignedDenoiser& denoiser,
                                              const OnProgress& on_progress);

/// How long `frames` at one rate are at another.
std::uint64_t frames_at_rate(std::uint64_t frames, int in_hz, int out_hz);

}  // namespace hushcast::main
