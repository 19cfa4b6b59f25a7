// What one stream remembers between hops.
#pragma once

#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "denoise/denoiser.hpp"
#include "denoise/network.hpp"

namespace hushcast::denoise {

using Spectrum = std::array<std::complex<float>, kBins>;
using Gains = std::array<float, kBands>;

/// The last few values of something that changes every hop, by age: 0 is this hop's.
template <typename T>
class Ring {
public:
    Ring(std::size_t depth, const T& initial) : slots_(depth, initial) {}

    void fill(const T& value) { std::fill(slots_.begin(), slots_.end(), value); }
    template <typename Work>
    void for_each(Work work) {
        for (T& slot : slots_) work(slot);
    }
    /// Makes the oldest slot this hop's; its old content is still in it.
    T& advance() {
        newest_ = newest_ + 1 == slots_.size() ? 0 : newest_ + 1;
        return slots_[newest_];
    }
    [[nodiscard]] const T& at(std::size_t age) const {
        return slots_[newest_ >= age ? newest_ - age : newest_ + slots_.size() - age];
    }
    [[nodiscard]] std::size_t depth() const { return slots_.size(); }

private:
    std::vector<T> slots_;
    std::size_t newest_ = 0;
};

class Stream final : public StreamState {
public:
    explicit Stream(const Weights& weights);

    void reset() noexcept override;
    /// Whether this state was made for a network of that shape.
    [[nodiscard]] bool fits(const Weights& weights) const;
    /// Memory behind this state, itself included.
    [[nodiscard]] std::size_t resident_bytes() const;

    std::array<float, kHop> previous_input{};
    std::array<float, kHop> overlap{};
    Gains band_mean_db{};                   ///< s of the ERB feature
    std::array<float, kDfBins> bin_mean{};  ///< u of the complex feature
    std::array<Gains, 3> band_features{};   ///< of 3 hops, newest last
    /// Of 3 hops, newest last: real parts, imaginary parts.
    std::array<std::array<std::array<float, kDfBins>, 2>, 3> bin_features{};
    Floats hidden;   ///< of every GRU, one after the other
    Floats pathway;  ///< [bin][2][taps - 1][order]: what older hops add to coming coefficients
    Ring<Spectrum> spectra;
    Ring<Gains> gains;          ///< of frame t - Lc, after the post filter
    Ring<Floats> coefficients;  ///< of frame t - Lc: [bin][tap][re, im]
    std::uint64_t hops = 0;     ///< that have advanced
    unsigned quiet_hops = 0;    ///< in a row
};

}  // namespace hushcast::denoise
