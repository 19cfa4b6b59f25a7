#include "denoise/engine.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "denoise/flush_denormals.hpp"
#include "dsp/bands.hpp"

namespace hushcast::denoise {
namespace {

/// Louder samples are taken as this: far above what 16 bit integers read as floats hold, and low
/// enough for their squares and sums to stay finite.
constexpr float kLoudest = 1e5F;
/// The silence rule: after more than kQuietHops hops with a mean square below kQuietPower nothing
/// advances. Otherwise the running means would sink while a microphone is muted, and speech after
/// that would sound wrong for a second.
constexpr float kQuietPower = 1e-7F;
constexpr unsigned kQuietHops = 5;
constexpr float kNoLimitDb = 100.0F;

std::size_t widest_hidden(const Weights& weights) {
    std::size_t widest = 0;
    for (const auto* grus : {&weights.encoder.grus, &weights.erb.grus, &weights.df.grus}) {
        for (const Gru& gru : *grus) widest = std::max(widest, gru.hidden());
    }
    return widest;
}

Floats padded(std::size_t rows, std::size_t channels) { return Floats((rows + 2) * channels); }

/// The neighbourhoods of a 3×3 convolution: out[row][hop · 3 + j] = row + j - 1 of that hop, zero
/// outside.
template <std::size_t Size, typename Hops>
void take_patches(const Hops& hops, float* out, std::size_t out_stride) {
    for (std::size_t row = 0; row < Size; ++row, out += out_stride) {
        for (std::size_t hop = 0; hop < 3; ++hop) {
            const std::array<float, Size>& values = hops(hop);
            out[hop * 3] = row == 0 ? 0.0F : values[row - 1];
            out[hop * 3 + 1] = values[row];
            out[hop * 3 + 2] = row + 1 == Size ? 0.0F : values[row + 1];
        }
    }
}

}  // namespace

LaneScratch::LaneScratch(const Weights& weights) : pathway(weights.coefficients()) {
    for (std::size_t i = 0; i < e.size(); ++i) e[i] = padded(kEncoderRows[i], weights.channels);
}

BatchScratch::BatchScratch(const Weights& weights, std::size_t max_batch)
    : c0(padded(kDfBins, weights.channels)),
      patches(kDfBins * 18),
      spatial(kDfBins * weights.channels),
      decoded(padded(kBands, weights.channels)),
      upsampled(padded(kBands, weights.channels)),
      pathway(kDfBins * 2 * weights.df.pathway_taps * weights.config.df_order),
      pathway_sum(weights.coefficients()),
      c1(max_batch * kDfRows * weights.channels),
      cemb(max_batch * weights.encoder.df_fc_emb.outputs()),
      joined(max_batch * weights.joined_inputs()),
      embedding(max_batch * weights.embedding()),
      lsnr_db(max_batch),
      first(max_batch *
            std::max({weights.encoder.linear_in.outputs(), weights.erb.linear_in.outputs(),
                      weights.df.linear_in.outputs()})),
      hidden(max_batch * widest_hidden(weights)),
      gates_input(max_batch * 3 * widest_hidden(weights)),
      gates_recurrent(max_batch * 3 * widest_hidden(weights)),
      decoder_out(max_batch * std::max(weights.erb.linear_out.outputs(), widest_hidden(weights))),
      coefficients(max_batch * weights.coefficients()) {}

Engine::Engine(std::shared_ptr<const Weights> weights,
               std::size_t max_batch,
               const kernels::Table& tier)
    : weights_(std::move(weights)),
      kernels_(tier),
      fft_(kFftSize),
      window_(dsp::vorbis_window(kFftSize)),
      lanes_(std::max<std::size_t>(max_batch, 1), LaneScratch(*weights_)),
      batch_(*weights_, lanes_.size()) {}

std::unique_ptr<StreamState> Engine::make_state() const {
    return std::make_unique<Stream>(*weights_);
}

void Engine::process(std::span<const Lane> lanes) noexcept {
    const FlushDenormals flush;
    while (!lanes.empty()) {
        const std::size_t count = std::min(lanes.size(), max_batch());
        run(lanes.first(count));
        lanes = lanes.subspan(count);
    }
}

void Engine::run(std::span<const Lane> lanes) {
    active_ = 0;
    for (const Lane& lane : lanes) {
        if (admit(lane, lanes_[active_])) ++active_;
    }
    if (active_ == 0) return;
    for (std::size_t row = 0; row < active_; ++row) encode(lanes_[row], row);
    embed();
    decode_mask();
    decode_coefficients();
    for (std::size_t row = 0; row < active_; ++row) synthesise(lanes_[row]);
}

/// Takes the lane's input; false where there is nothing to do, because it is silent or not ours.
bool Engine::admit(const Lane& lane, LaneScratch& scratch) {
    auto* stream = dynamic_cast<Stream*>(lane.state);
    std::array<float, kHop> samples{};
    float energy = 0.0F;
    for (std::size_t n = 0; n < kHop; ++n) {
        const float sample = lane.in[n];
        samples[n] = std::isfinite(sample) ? std::clamp(sample, -kLoudest, kLoudest) : 0.0F;
        energy += samples[n] * samples[n];
    }
    const bool fits = stream != nullptr && stream->fits(*weights_);
    if (fits) {
        const bool quiet = energy < kQuietPower * static_cast<float>(kHop);
        stream->quiet_hops = quiet ? std::min(stream->quiet_hops + 1, kQuietHops + 1) : 0;
    }
    if (!fits || stream->quiet_hops > kQuietHops) {
        std::fill(lane.out.begin(), lane.out.end(), 0.0F);
        return false;
    }
    scratch.stream = stream;
    scratch.out = lane.out.data();
    analyse(scratch, samples);
    return true;
}

void Engine::analyse(LaneScratch& lane, const std::array<float, kHop>& samples) {
    Stream& stream = *lane.stream;
    for (std::size_t n = 0; n < kHop; ++n) {
        frame_[n] = stream.previous_input[n] * window_[n];
        frame_[kHop + n] = samples[n] * window_[kHop + n];
    }
    stream.previous_input = samples;
    Spectrum& spectrum = stream.spectra.advance();
    fft_.forward(frame_, spectrum);
    constexpr float kScale = 1.0F / static_cast<float>(kFftSize);
    for (std::complex<float>& bin : spectrum) bin *= kScale;

    lane.band_levels_db = bands_.levels_db(spectrum);
    std::rotate(stream.band_features.begin(), stream.band_features.begin() + 1,
                stream.band_features.end());
    normalise_bands(lane.band_levels_db, stream.band_mean_db, stream.band_features.back());
    std::rotate(stream.bin_features.begin(), stream.bin_features.begin() + 1,
                stream.bin_features.end());
    normalise_bins(spectrum, stream.bin_mean, stream.bin_features.back());
    ++stream.hops;
}

/// The encoder's convolutions, up to the inputs of its linear layers.
void Engine::encode(LaneScratch& lane, std::size_t row) {
    const Encoder& encoder = weights_->encoder;
    const Stream& stream = *lane.stream;
    const std::size_t channels = weights_->channels;
    const auto band_hop = [&](std::size_t hop) -> const Gains& {
        return stream.band_features[hop];
    };
    take_patches<kBands>(band_hop, batch_.patches.data(), 9);
    encoder.conv0.multiply(kernels_, {.x = batch_.patches.data(),
                                      .x_stride = 9,
                                      .y = lane.e[0].data() + channels,
                                      .y_stride = channels,
                                      .count = kBands,
                                      .rectify = true});
    separable(encoder.conv[0], lane.e[0], lane.e[1], kEncoderRows[1], 2);
    separable(encoder.conv[1], lane.e[1], lane.e[2], kEncoderRows[2], 2);
    separable(encoder.conv[2], lane.e[2], lane.e[3], kEncoderRows[3], 1);

    for (std::size_t part = 0; part < 2; ++part) {
        const auto bin_hop = [&](std::size_t hop) -> const std::array<float, kDfBins>& {
            return stream.bin_features[hop][part];
        };
        take_patches<kDfBins>(bin_hop, batch_.patches.data() + part * 9, 18);
    }
    encoder.df_conv0.multiply(kernels_, {.x = batch_.patches.data(),
                                         .x_stride = 18,
                                         .y = batch_.c0.data() + channels,
                                         .y_stride = channels,
                                         .count = kDfBins,
                                         .rectify = true});
    advance_pathway(lane);
    kernels_.depthwise3({.in = batch_.c0.data(),
                         .weights = encoder.df_conv1.spatial.data(),
                         .out = batch_.spatial.data(),
                         .channels = channels,
                         .rows = kDfRows,
                         .stride = 2});
    encoder.df_conv1.pointwise.multiply(kernels_, {.x = batch_.spatial.data(),
                                                   .x_stride = channels,
                                                   .y = batch_.c1.data() + row * kDfRows * channels,
                                                   .y_stride = channels,
                                                   .count = kDfRows,
                                                   .rectify = true});
}

/// The convolution over time from c0 to the coefficients. Instead of old c0s, what they add to
/// coming hops is kept.
void Engine::advance_pathway(LaneScratch& lane) {
    const DfDecoder& df = weights_->df;
    const std::size_t order = weights_->config.df_order;
    const std::size_t kept = (df.pathway_taps - 1) * order;
    const std::size_t made = kept + order;
    const std::size_t channels = weights_->channels;
    for (std::size_t part = 0; part < 2; ++part) {
        df.pathway[part].multiply(kernels_, {.x = batch_.c0.data() + channels + part * channels / 2,
                                             .x_stride = channels,
                                             .y = batch_.pathway.data() + part * made,
                                             .y_stride = 2 * made,
                                             .count = kDfBins});
    }
    float* old = lane.stream->pathway.data();
    const float* fresh = batch_.pathway.data();
    float* sum = batch_.pathway_sum.data();
    for (std::size_t row = 0; row < 2 * kDfBins; ++row, old += kept, fresh += made, sum += order) {
        for (std::size_t i = 0; i < order; ++i) sum[i] = fresh[i] + (kept > 0 ? old[i] : 0.0F);
        for (std::size_t i = order; i < kept; ++i) old[i - order] = old[i] + fresh[i];
        for (std::size_t i = kept; i < made && kept > 0; ++i) old[i - order] = fresh[i];
    }
    df.pathway_mix.multiply(kernels_, {.x = batch_.pathway_sum.data(),
                                       .x_stride = 2 * order,
                                       .y = lane.pathway.data(),
                                       .y_stride = 2 * order,
                                       .count = kDfBins,
                                       .rectify = true});
}

/// From the convolutions of all lanes to what both decoders start from.
void Engine::embed() {
    const Encoder& encoder = weights_->encoder;
    const bool concatenates = weights_->config.generation == Generation::DeepFilterNet2;
    const std::size_t flat = kEncoderRows[3] * weights_->channels;
    const std::size_t cemb = encoder.df_fc_emb.outputs();
    const std::size_t joined = weights_->joined_inputs();
    linear(encoder.df_fc_emb, {batch_.c1.data(), kDfRows * weights_->channels},
           {batch_.cemb.data(), cemb}, true);
    for (std::size_t row = 0; row < active_; ++row) {
        const float* e3 = lanes_[row].e[3].data() + weights_->channels;
        const float* c = batch_.cemb.data() + row * cemb;
        float* out = batch_.joined.data() + row * joined;
        if (concatenates) {
            std::copy_n(e3, flat, out);
            std::copy_n(c, cemb, out + flat);
        } else {
            for (std::size_t i = 0; i < flat; ++i) out[i] = e3[i] + c[i];
        }
    }
    const Block first{batch_.first.data(), encoder.linear_in.outputs()};
    linear(encoder.linear_in, {batch_.joined.data(), joined}, first, true);
    std::size_t hidden_at = 0;
    recur(encoder.grus, first, hidden_at);
    const std::size_t hidden = encoder.grus.back().hidden();
    if (concatenates) {
        std::copy_n(batch_.hidden.data(), active_ * hidden, batch_.embedding.data());
    } else {
        linear(encoder.linear_out, {batch_.hidden.data(), hidden},
               {batch_.embedding.data(), weights_->embedding()}, true);
    }
    encoder.lsnr.multiply(kernels_, {.x = batch_.embedding.data(),
                                     .x_stride = weights_->embedding(),
                                     .y = batch_.lsnr_db.data(),
                                     .y_stride = 1,
                                     .count = active_});
    kernels_.sigmoid(batch_.lsnr_db.data(), active_);
    constexpr float kLsnrRangeDb = 50.0F;
    constexpr float kLsnrMinDb = -15.0F;
    for (std::size_t row = 0; row < active_; ++row) {
        batch_.lsnr_db[row] = kLsnrRangeDb * batch_.lsnr_db[row] + kLsnrMinDb;
    }
}

void Engine::decode_mask() {
    const ErbDecoder& erb = weights_->erb;
    const Block first{batch_.first.data(), erb.linear_in.outputs()};
    linear(erb.linear_in, {batch_.embedding.data(), weights_->embedding()}, first, true);
    std::size_t hidden_at = 0;
    for (const Gru& gru : weights_->encoder.grus) hidden_at += gru.hidden();
    recur(erb.grus, first, hidden_at);
    const std::size_t hidden = erb.grus.back().hidden();
    if (weights_->config.generation == Generation::DeepFilterNet2) {
        for (std::size_t i = 0; i < active_ * hidden; ++i) batch_.hidden[i] += batch_.first[i];
    }
    linear(erb.linear_out, {batch_.hidden.data(), hidden},
           {batch_.decoder_out.data(), erb.linear_out.outputs()}, true);
    for (std::size_t row = 0; row < active_; ++row) shape_mask(lanes_[row], row);
}

/// The ERB decoder's convolutions, from coarse to fine.
void Engine::shape_mask(LaneScratch& lane, std::size_t row) {
    const ErbDecoder& erb = weights_->erb;
    const std::size_t channels = weights_->channels;
    const auto clear_row = [&](Floats& values, std::size_t at) {
        std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(at * channels), channels, 0.0F);
    };
    const auto add_pathway = [&](std::size_t level, Floats& y) {
        kernels_.add_rectified({.in = lane.e[level].data() + channels,
                                .gain = erb.pathways[level].gain.data(),
                                .offset = erb.pathways[level].offset.data(),
                                .sum = y.data() + channels,
                                .channels = channels,
                                .rows = kEncoderRows[level]});
        // The buffers serve every level: what lies behind this one's rows must be zero again.
        clear_row(y, kEncoderRows[level] + 1);
    };
    std::copy_n(batch_.decoder_out.data() + row * erb.linear_out.outputs(),
                erb.linear_out.outputs(), batch_.decoded.data() + channels);
    add_pathway(3, batch_.decoded);
    separable(erb.conv[0], batch_.decoded, batch_.upsampled, kEncoderRows[3], 1);
    for (const std::size_t level : {2U, 1U}) {
        add_pathway(level, batch_.upsampled);
        const std::size_t rows = kEncoderRows[level - 1];
        kernels_.transposed3({.in = batch_.upsampled.data() + channels,
                              .weights = erb.conv[3 - level].spatial.data(),
                              .out = batch_.spatial.data(),
                              .channels = channels,
                              .rows = rows,
                              .stride = 2});
        erb.conv[3 - level].pointwise.multiply(kernels_, {.x = batch_.spatial.data(),
                                                          .x_stride = channels,
                                                          .y = batch_.upsampled.data() + channels,
                                                          .y_stride = channels,
                                                          .count = rows,
                                                          .rectify = true});
    }
    add_pathway(0, batch_.upsampled);
    // Three rows of channels lie one after the other: the last convolution is a product with
    // overlapping rows.
    erb.out.multiply(kernels_, {.x = batch_.upsampled.data(),
                                .x_stride = channels,
                                .y = lane.mask.data(),
                                .y_stride = 1,
                                .count = kBands});
    kernels_.sigmoid(lane.mask.data(), kBands);

    Stream& stream = *lane.stream;
    Gains& gains = stream.gains.advance();
    gains = lane.mask;
    if (stream.settings.post_filter && weights_->config.generation == Generation::DeepFilterNet2) {
        post_filter_mask(gains);
    }
}

void Engine::decode_coefficients() {
    const DfDecoder& df = weights_->df;
    const Block first{batch_.first.data(), df.linear_in.outputs()};
    const Block embedding{batch_.embedding.data(), weights_->embedding()};
    linear(df.linear_in, embedding, first, true);
    std::size_t hidden_at = 0;
    for (const auto* grus : {&weights_->encoder.grus, &weights_->erb.grus}) {
        for (const Gru& gru : *grus) hidden_at += gru.hidden();
    }
    recur(df.grus, first, hidden_at);
    const std::size_t hidden = df.grus.back().hidden();
    const float* added = batch_.first.data();
    if (weights_->config.generation == Generation::DeepFilterNet3) {
        linear(df.skip, embedding, {batch_.decoder_out.data(), hidden}, false);
        added = batch_.decoder_out.data();
    }
    for (std::size_t i = 0; i < active_ * hidden; ++i) batch_.hidden[i] += added[i];
    const std::size_t count = weights_->coefficients();
    linear(df.out, {batch_.hidden.data(), hidden}, {batch_.coefficients.data(), count}, false);
    for (std::size_t row = 0; row < active_; ++row) {
        float* values = batch_.coefficients.data() + row * count;
        kernels_.tanh_add(values, lanes_[row].pathway.data(), count);
        std::copy_n(values, count, lanes_[row].stream->coefficients.advance().begin());
    }
}

/// From the network's answers to sound: the frame that arrived lookahead() hops ago.
void Engine::synthesise(LaneScratch& lane) {
    Stream& stream = *lane.stream;
    const std::size_t lookahead = weights_->lookahead();
    if (stream.hops <= lookahead) {
        lane.result.fill({});
    } else {
        const Spectrum& noisy = stream.spectra.at(lookahead);
        const std::size_t gain_age = lookahead - weights_->config.conv_lookahead;
        bands_.apply(stream.gains.at(gain_age), noisy, lane.result, kDfBins);
        filter(stream, lookahead, lane.result);
        if (stream.settings.post_filter &&
            weights_->config.generation == Generation::DeepFilterNet3) {
            post_filter_result(noisy, lane.result);
        }
        if (stream.settings.attenuation_limit_db < kNoLimitDb) {
            limit_attenuation(std::max(stream.settings.attenuation_limit_db, 0.0F), noisy,
                              lane.result);
        }
    }
    fft_.inverse(lane.result, frame_);
    for (std::size_t n = 0; n < kHop; ++n) {
        lane.out[n] = stream.overlap[n] + frame_[n] * window_[n];
        stream.overlap[n] = frame_[kHop + n] * window_[kHop + n];
    }
}

/// The lowest bins of the frame of that age from their neighbours in time.
void Engine::filter(const Stream& stream, std::size_t frame_age, Spectrum& result) {
    const ModelConfig& config = weights_->config;
    const Floats& coefficients = stream.coefficients.at(frame_age - config.conv_lookahead);
    std::array<float, kDfBins> gains{};
    std::fill_n(result.begin(), kDfBins, std::complex<float>{});
    for (std::size_t tap = 0; tap < config.df_order; ++tap) {
        const std::size_t age = frame_age + (config.df_order - 1) - config.df_lookahead - tap;
        const bool masked = config.generation == Generation::DeepFilterNet2;
        if (masked) {
            // The short form has no mask yet for frames after this one: they get this one's.
            const std::size_t known = weights_->short_form ? std::max(age, frame_age) : age;
            bands_.spread(stream.gains.at(known - config.conv_lookahead), gains);
        }
        add_tap(coefficients.data() + 2 * tap, 2 * config.df_order, stream.spectra.at(age),
                masked ? &gains : nullptr, result);
    }
}

void Engine::separable(
    const Separable& layer, const Floats& in, Floats& out, std::size_t rows, std::size_t stride) {
    const std::size_t channels = weights_->channels;
    kernels_.depthwise3({.in = in.data(),
                         .weights = layer.spatial.data(),
                         .out = batch_.spatial.data(),
                         .channels = channels,
                         .rows = rows,
                         .stride = stride});
    layer.pointwise.multiply(kernels_, {.x = batch_.spatial.data(),
                                        .x_stride = channels,
                                        .y = out.data() + channels,
                                        .y_stride = channels,
                                        .count = rows,
                                        .rectify = true});
}

void Engine::linear(const GroupedLinear& layer, Block in, Block out, bool rectify) {
    for (const Matrix& part : layer.parts) {
        part.multiply(kernels_, {.x = in.data,
                                 .x_stride = in.width,
                                 .y = out.data,
                                 .y_stride = out.width,
                                 .count = active_,
                                 .rectify = rectify});
        in.data += part.inner();
        out.data += part.columns();
    }
}

void Engine::recur(const std::vector<Gru>& layers, Block in, std::size_t& hidden_at) {
    for (const Gru& gru : layers) {
        const std::size_t hidden = gru.hidden();
        gru.input.multiply(kernels_, {.x = in.data,
                                      .x_stride = in.width,
                                      .y = batch_.gates_input.data(),
                                      .y_stride = 3 * hidden,
                                      .count = active_});
        for (std::size_t row = 0; row < active_; ++row) {
            std::copy_n(lanes_[row].stream->hidden.data() + hidden_at, hidden,
                        batch_.hidden.data() + row * hidden);
        }
        gru.recurrent.multiply(kernels_, {.x = batch_.hidden.data(),
                                          .x_stride = hidden,
                                          .y = batch_.gates_recurrent.data(),
                                          .y_stride = 3 * hidden,
                                          .count = active_});
        for (std::size_t row = 0; row < active_; ++row) {
            float* state = lanes_[row].stream->hidden.data() + hidden_at;
            kernels_.gru_gates({.input = batch_.gates_input.data() + row * 3 * hidden,
                                .recurrent = batch_.gates_recurrent.data() + row * 3 * hidden,
                                .state = state,
                                .hidden = hidden});
            std::copy_n(state, hidden, batch_.hidden.data() + row * hidden);
        }
        hidden_at += hidden;
        in = {batch_.hidden.data(), hidden};
    }
}

}  // namespace hushcast::denoise
