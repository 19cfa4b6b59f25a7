// Fourier transform of real blocks whose half length has no prime factor above 5.
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace hushcast::dsp {

/// Unnormalised real FFT: inverse(forward(x)) = size · x. Takes and gives float32 and calculates in
/// double, because quiet bands beside loud ones matter to those who take logarithms of them. Mixed
/// radix (4, 2, 3, 5), sorted as it goes (Stockham). An object owns its working memory: one per
/// thread.
class RealFft {
public:
    /// @param size  samples per block, even, at least 4; size / 2 = 2^a · 3^b · 5^c (960 is).
    explicit RealFft(std::size_t size);

    [[nodiscard]] std::size_t size() const { return 2 * half_; }
    [[nodiscard]] std::size_t bins() const { return half_ + 1; }

    /// bins[k] = Σ samples[n] exp(-2πi k n / size). @param samples  size() of them  @param bins
    /// bins() of them
    void forward(std::span<const float> samples, std::span<std::complex<float>> bins);
    /// The real signal whose spectrum has these bins; the imaginary parts of the first and the last
    /// bin are not looked at.
    void inverse(std::span<const std::complex<float>> bins, std::span<float> samples);

private:
    /// Numbers with real and imaginary parts apart, so that the loops vectorise.
    struct Split {
        std::vector<double> re;
        std::vector<double> im;

        explicit Split(std::size_t size) : re(size), im(size) {}
    };
    struct Stage {
        std::size_t radix;
        std::size_t blocks;         ///< butterflies with different twiddles
        std::size_t stride;         ///< butterflies that share theirs
        std::size_t first_twiddle;  ///< of blocks · (radix - 1) entries
    };

    void add_stage(std::size_t radix, std::size_t blocks, std::size_t stride);
    void transform();  ///< of front_, in place
    void run(const Stage& stage);

    std::size_t half_;
    std::vector<Stage> stages_;
    Split twiddles_;
    Split turns_;  ///< exp(-2πi k / size), which part a real spectrum from the half-length one
    Split front_;
    Split back_;
};

}  // namespace hushcast::dsp
