// libopus behind two small owners: 48 kHz, mono, float samples in -1..1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.hpp"

struct OpusDecoder;
struct OpusEncoder;

namespace hushcast::media {

inline constexpr int kSampleRateHz = 48'000;
/// The longest Opus packet lasts 120 ms.
inline constexpr std::size_t kMaxPacketSamples = 5'760;
/// Largest payload we write or accept (an MTU less RTP, SRTP and UDP headers).
inline constexpr std::size_t kMaxPayloadBytes = 1'275;

/// Samples a packet lasts by its TOC (RFC 6716 section 3.1), without decoding; 0 when it is
/// malformed.
std::size_t packet_samples(Bytes packet);
/// A packet that says "silence goes on" (discontinuous transmission): at most one byte after the
/// TOC.
bool is_dtx(Bytes packet);
/// Whether the packet carries a low-bitrate copy of the frame before it (LBRR, RFC 6716 section
/// 4.2.4). Only SILK and hybrid packets can; at browsers' higher bitrates none does.
bool has_fec(Bytes packet);

/// Stereo packets come out mixed down. Not thread-safe. Throws std::bad_alloc in the constructor
/// only.
class Decoder {
public:
    Decoder();

    /// Decodes a packet; gives the samples written, 0 when the packet is garbage or `out` is too
    /// small (packet_samples() says what it needs). Goes on working after garbage.
    std::size_t decode(Bytes packet, std::span<float> out);
    /// The forward error correction that `next` carries for the packet before it (RFC 6716 section
    /// 2.1.7); conceals where it carries none. out.size() as for conceal().
    void decode_fec(Bytes next, std::span<float> out);
    /// Concealment (or comfort noise after DTX): exactly out.size() samples, a multiple of 120.
    void conceal(std::span<float> out);
    /// Another stream begins.
    void reset();

private:
    struct Deleter {
        void operator()(OpusDecoder* decoder) const noexcept;
    };
    std::unique_ptr<OpusDecoder, Deleter> decoder_;
};

/// Not thread-safe. Throws std::bad_alloc in the constructor only.
class Encoder {
public:
    struct Settings {
        int bitrate_bps = 64'000;  ///< clamped to 6,000 .. 510,000
        int complexity = 5;  ///< 0 .. 10; 9 and 10 cost 40 % more for no measured gain at 64 kbit/s
        bool inband_fec = true;
    };

    explicit Encoder(const Settings& settings);

    /// Loss the receivers report, 0 to 100 percent: sizes the forward error correction.
    void set_expected_loss(int percent);
    /// @param pcm  120, 240, 480, 960, 1920 or 2880 samples; NaN and infinities are sent as
    /// silence.
    /// @return bytes written, at most kMaxPayloadBytes; 0 when pcm or out has a wrong size.
    std::size_t encode(std::span<const float> pcm, MutableBytes out);
    /// The encoder's own look-ahead.
    [[nodiscard]] std::size_t delay_samples() const;

private:
    struct Deleter {
        void operator()(OpusEncoder* encoder) const noexcept;
    };
    std::unique_ptr<OpusEncoder, Deleter> encoder_;
};

}  // namespace hushcast::media
