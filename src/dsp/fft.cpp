#include "dsp/fft.hpp"

#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <utility>

namespace hushcast::dsp {
namespace {

struct Number {
    double re;
    double im;
};

Number operator+(Number a, Number b) { return {a.re + b.re, a.im + b.im}; }
Number operator-(Number a, Number b) { return {a.re - b.re, a.im - b.im}; }
Number operator*(Number a, Number b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
Number operator*(double a, Number b) { return {a * b.re, a * b.im}; }
/// i times a.
Number turned(Number a) { return {-a.im, a.re}; }

Number widened(std::complex<float> value) {
    return {static_cast<double>(value.real()), static_cast<double>(value.imag())};
}

std::array<Number, 2> butterfly(const std::array<Number, 2>& x) {
    return {x[0] + x[1], x[0] - x[1]};
}

std::array<Number, 3> butterfly(const std::array<Number, 3>& x) {
    constexpr double kSin = 0.866025403784438647;  // sin 60°
    const Number sum = x[1] + x[2];
    const Number mid = x[0] - 0.5 * sum;
    const Number side = turned(kSin * (x[1] - x[2]));
    return {x[0] + sum, mid - side, mid + side};
}

std::array<Number, 4> butterfly(const std::array<Number, 4>& x) {
    const Number even = x[0] + x[2];
    const Number even_gap = x[0] - x[2];
    const Number odd = x[1] + x[3];
    const Number odd_gap = turned(x[1] - x[3]);
    return {even + odd, even_gap - odd_gap, even - odd, even_gap + odd_gap};
}

std::array<Number, 5> butterfly(const std::array<Number, 5>& x) {
    constexpr double kCos1 = 0.309016994374947424;   // cos 72°
    constexpr double kCos2 = -0.809016994374947424;  // cos 144°
    constexpr double kSin1 = 0.951056516295153572;
    constexpr double kSin2 = 0.587785252292473129;
    const Number outer = x[1] + x[4];
    const Number inner = x[2] + x[3];
    const Number outer_gap = x[1] - x[4];
    const Number inner_gap = x[2] - x[3];
    const Number mid1 = x[0] + kCos1 * outer + kCos2 * inner;
    const Number mid2 = x[0] + kCos2 * outer + kCos1 * inner;
    const Number side1 = turned(kSin1 * outer_gap + kSin2 * inner_gap);
    const Number side2 = turned(kSin2 * outer_gap - kSin1 * inner_gap);
    return {x[0] + outer + inner, mid1 - side1, mid2 - side2, mid2 + side2, mid1 + side1};
}

/// The arrays of one pass over the data, and how it walks them.
struct Pass {
    const double* in_re;
    const double* in_im;
    double* out_re;
    double* out_im;
    const double* turn_re;
    const double* turn_im;
    std::size_t blocks;
    std::size_t stride;
};

template <std::size_t Radix>
void pass(const Pass& p) {
    for (std::size_t block = 0; block < p.blocks; ++block) {
        std::array<Number, Radix> turn{};
        for (std::size_t i = 1; i < Radix; ++i) {
            turn[i] = {p.turn_re[block * (Radix - 1) + i - 1],
                       p.turn_im[block * (Radix - 1) + i - 1]};
        }
        const double* in_re = p.in_re + block * p.stride;
        const double* in_im = p.in_im + block * p.stride;
        double* out_re = p.out_re + block * Radix * p.stride;
        double* out_im = p.out_im + block * Radix * p.stride;
        const std::size_t gap = p.blocks * p.stride;
#if defined(__GNUC__) && !defined(__clang__)
#  pragma GCC ivdep  // input and output are different buffers
#endif
        for (std::size_t at = 0; at < p.stride; ++at) {
            std::array<Number, Radix> x{};
            for (std::size_t i = 0; i < Radix; ++i) {
                x[i] = {in_re[at + i * gap], in_im[at + i * gap]};
            }
            const std::array<Number, Radix> y = butterfly(x);
            out_re[at] = y[0].re;
            out_im[at] = y[0].im;
            for (std::size_t i = 1; i < Radix; ++i) {
                const Number value = turn[i] * y[i];
                out_re[at + i * p.stride] = value.re;
                out_im[at + i * p.stride] = value.im;
            }
        }
    }
}

std::complex<double> root(std::size_t power, std::size_t order) {
    return std::polar(1.0, -2.0 * std::numbers::pi * static_cast<double>(power % order) /
                               static_cast<double>(order));
}

}  // namespace

RealFft::RealFft(std::size_t size)
    : half_(size / 2), twiddles_(0), turns_(half_ + 1), front_(half_), back_(half_) {
    assert(size >= 4 && size % 2 == 0);
    std::size_t rest = half_;
    std::size_t stride = 1;
    for (const std::size_t radix : {4U, 2U, 3U, 5U}) {
        for (; rest % radix == 0; rest /= radix, stride *= radix) {
            add_stage(radix, rest / radix, stride);
        }
    }
    assert(rest == 1);
    for (std::size_t k = 0; k <= half_; ++k) {
        const std::complex<double> turn = root(k, size);
        turns_.re[k] = turn.real();
        turns_.im[k] = turn.imag();
    }
}

void RealFft::add_stage(std::size_t radix, std::size_t blocks, std::size_t stride) {
    stages_.push_back({radix, blocks, stride, twiddles_.re.size()});
    for (std::size_t block = 0; block < blocks; ++block) {
        for (std::size_t i = 1; i < radix; ++i) {
            const std::complex<double> turn = root(block * i, blocks * radix);
            twiddles_.re.push_back(turn.real());
            twiddles_.im.push_back(turn.imag());
        }
    }
}

void RealFft::run(const Stage& stage) {
    const Pass p{front_.re.data(),
                 front_.im.data(),
                 back_.re.data(),
                 back_.im.data(),
                 twiddles_.re.data() + stage.first_twiddle,
                 twiddles_.im.data() + stage.first_twiddle,
                 stage.blocks,
                 stage.stride};
    switch (stage.radix) {
        case 2: pass<2>(p); break;
        case 3: pass<3>(p); break;
        case 4: pass<4>(p); break;
        default: pass<5>(p); break;
    }
    std::swap(front_, back_);
}

void RealFft::transform() {
    for (const Stage& stage : stages_) run(stage);
}

void RealFft::forward(std::span<const float> samples, std::span<std::complex<float>> bins) {
    assert(samples.size() == size() && bins.size() == this->bins());
    for (std::size_t n = 0; n < half_; ++n) {
        front_.re[n] = static_cast<double>(samples[2 * n]);
        front_.im[n] = static_cast<double>(samples[2 * n + 1]);
    }
    transform();
    // Even samples went in as real parts, odd ones as imaginary parts: the two spectra are the
    // symmetric and the antisymmetric half of what came out.
    for (std::size_t k = 0; k <= half_; ++k) {
        const std::size_t here = k == half_ ? 0 : k;
        const std::size_t there = k == 0 ? 0 : half_ - k;
        const Number even{0.5 * (front_.re[here] + front_.re[there]),
                          0.5 * (front_.im[here] - front_.im[there])};
        const Number odd{0.5 * (front_.im[here] + front_.im[there]),
                         -0.5 * (front_.re[here] - front_.re[there])};
        const Number bin = even + Number{turns_.re[k], turns_.im[k]} * odd;
        bins[k] = {static_cast<float>(bin.re), static_cast<float>(bin.im)};
    }
}

void RealFft::inverse(std::span<const std::complex<float>> bins, std::span<float> samples) {
    assert(samples.size() == size() && bins.size() == this->bins());
    // The forward steps undone; conjugated on the way in and out, so that the same transform
    // serves.
    for (std::size_t k = 0; k < half_; ++k) {
        Number here = widened(bins[k]);
        Number there = widened(std::conj(bins[half_ - k]));
        if (k == 0) here.im = there.im = 0.0;
        const Number even = here + there;
        const Number odd = Number{turns_.re[k], -turns_.im[k]} * (here - there);
        const Number both = even + turned(odd);
        front_.re[k] = both.re;
        front_.im[k] = -both.im;
    }
    transform();
    for (std::size_t n = 0; n < half_; ++n) {
        samples[2 * n] = static_cast<float>(front_.re[n]);
        samples[2 * n + 1] = static_cast<float>(-front_.im[n]);
    }
}

}  // namespace hushcast::dsp
