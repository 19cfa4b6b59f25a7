// The streaming DeepFilterNet: what makes Weights and a Stream a Denoiser.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "denoise/denoiser.hpp"
#include "denoise/network.hpp"
#include "denoise/spectral.hpp"
#include "denoise/stream.hpp"
#include "dsp/fft.hpp"

namespace hushcast::denoise {

/// Working memory of one lane of a batch. Activations are [row][channel]; those that a kernel of 3
/// runs over have a row of zeros before the first and after the last.
struct LaneScratch {
    explicit LaneScratch(const Weights& weights);

    Stream* stream = nullptr;
    float* out = nullptr;
    Gains band_levels_db{};
    std::array<Floats, 4> e;  ///< e0…e3, with rows of zeros around
    Floats pathway;           ///< [bin][tap][re, im]
    Gains mask{};             ///< before the post filter
    Spectrum result{};
};

/// Working memory that a batch shares. Matrices have one row for each active lane.
struct BatchScratch {
    BatchScratch(const Weights& weights, std::size_t max_batch);

    Floats c0;       ///< [bin][channel] of one lane, with rows of zeros around
    Floats patches;  ///< inputs of the 3×3 convolutions
    Floats spatial;  ///< between the two halves of a separable convolution
    Floats decoded;  ///< the ERB decoder's y, with rows of zeros around
    Floats upsampled;
    Floats pathway;  ///< [bin][2][taps · order]: what c0 adds to this and coming coefficients
    Floats pathway_sum;

    Floats c1;  ///< [lane][row · channels + channel]
    Floats cemb;
    Floats joined;  ///< what the encoder's two halves give the GRU
    Floats embedding;
    Floats lsnr_db;
    Floats first;   ///< input of a GRU stack, kept where it is added to its output
    Floats hidden;  ///< between the layers of a GRU stack
    Floats gates_input;
    Floats gates_recurrent;
    Floats decoder_out;
    Floats coefficients;
};

/// Each lane is independent of the others in its batch, to the last bit.
class Engine final : public Denoiser {
public:
    Engine(std::shared_ptr<const Weights> weights,
           std::size_t max_batch,
           const kernels::Table& tier);

    [[nodiscard]] std::string_view name() const override { return weights_->title; }
    [[nodiscard]] std::size_t delay_samples() const override {
        return (weights_->lookahead() + 1) * kHop;
    }
    [[nodiscard]] std::unique_ptr<StreamState> make_state() const override;
    [[nodiscard]] std::size_t max_batch() const override { return lanes_.size(); }
    void process(std::span<const Lane> lanes) noexcept override;

    [[nodiscard]] std::string_view tier() const { return kernels_.tier; }
    /// What the last hop left behind, for tests: of lane 0, and the batch's.
    [[nodiscard]] const LaneScratch& lane_scratch() const { return lanes_.front(); }
    [[nodiscard]] const BatchScratch& batch_scratch() const { return batch_; }

private:
    /// Rows of a matrix, by default one for each active lane.
    struct Block {
        float* data;
        std::size_t width;
    };

    void run(std::span<const Lane> lanes);
    bool admit(const Lane& lane, LaneScratch& scratch);
    void analyse(LaneScratch& lane, const std::array<float, kHop>& samples);

    void encode(LaneScratch& lane, std::size_t row);
    void advance_pathway(LaneScratch& lane);
    void embed();
    void decode_mask();
    void shape_mask(LaneScratch& lane, std::size_t row);
    void decode_coefficients();
    void synthesise(LaneScratch& lane);
    void filter(const Stream& stream, std::size_t frame_age, Spectrum& result);

    void separable(const Separable& layer,
                   const Floats& in,
                   Floats& out,
                   std::size_t rows,
                   std::size_t stride);
    void linear(const GroupedLinear& layer, Block in, Block out, bool rectify);
    /// Runs a stack of layers over the batch; `hidden_at` is the place of the first one's state in
    /// Stream::hidden, and becomes the place after the last one's. The result is in batch_.hidden.
    void recur(const std::vector<Gru>& layers, Block in, std::size_t& hidden_at);

    std::shared_ptr<const Weights> weights_;
    kernels::Table kernels_;
    Bands bands_;
    dsp::RealFft fft_;
    std::vector<float> window_;
    std::array<float, kFftSize> frame_{};
    std::vector<LaneScratch> lanes_;
    BatchScratch batch_;
    std::size_t active_ = 0;  ///< lanes of this batch that are not silent
};

}  // namespace hushcast::denoise
