// Streaming sample rate conversion (libsoxr, linear phase, 28 bits). The filter's own delay is
// taken out: output sample n lies at the same time as input sample n * in / out.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

struct soxr;

namespace hushcast::media {

/// Interleaved floats. Between equal rates it copies. Not thread-safe; std::bad_alloc when there is
/// no memory for the filter.
class Resampler {
public:
    /// @param in_hz, out_hz  1 kHz to 768 kHz.
    Resampler(int in_hz, int out_hz, std::size_t channels);

    /// Takes whole frames and appends to `out` what they complete.
    void process(std::span<const float> in, std::vector<float>& out);
    /// Appends the rest after the last process(): in all, round(frames * out_hz / in_hz) give or
    /// take one. Call once.
    void flush(std::vector<float>& out);

private:
    void pump(const float* in, std::size_t frames, std::vector<float>& out);

    struct Deleter {
        void operator()(soxr* resampler) const noexcept;
    };
    std::unique_ptr<soxr, Deleter> soxr_;  ///< none between equal rates
    std::size_t channels_;
};

}  // namespace hushcast::media
