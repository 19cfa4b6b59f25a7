// From RTP payloads to 10 ms hops: the jitter buffer and the Opus decoder of one incoming stream.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "media/jitter_buffer.hpp"
#include "media/opus_codec.hpp"

namespace hushcast::media {

/// Where a hop of sound comes from. A hop made of several pieces takes the largest value.
enum class Origin : std::uint8_t {
    Received,   ///< decoded from packets that came
    Recovered,  ///< decoded from the forward error correction of a following packet
    Comfort,    ///< the publisher is silent on purpose (DTX)
    Concealed,  ///< lost and guessed by the decoder
};

/// Every sample of the publisher's time line comes out once, in order: nothing is repeated,
/// stretched or left out, except where the stream itself starts anew (JitterBufferStats::resyncs).
///
/// One thread. Allocates in the constructor only. Bad packets are counted and dropped.
class Ingest {
public:
    static constexpr std::size_t kHopSamples = 480;
    /// 120 ms, the longest Opus packet: what one stream may claim of a tick after a stall.
    static constexpr std::size_t kMaxHops = kMaxPacketSamples / kHopSamples;

    explicit Ingest(const JitterBuffer::Settings& settings = {});

    void insert(Time arrival, std::uint16_t sequence, std::uint32_t timestamp, Bytes payload);

    /// Decodes what is due at `now`, 48 kHz mono. Call it every tick; after a stall what remains
    /// comes with the next calls.
    /// @param out      room for whole hops; at most kMaxHops of them are used.
    /// @param origins  one per hop written, where the caller wants them: empty or out.size() / 480.
    /// @return hops written, usually 0 to 2.
    std::size_t pull(Time now, std::span<float> out, std::span<Origin> origins = {});

    /// Sequence numbers to ask the publisher for again (RFC 4585 generic NACK), ascending; see
    /// JitterBuffer::missing. Call it every tick when NACK was negotiated, never otherwise.
    /// @return how many were written to `out`.
    std::size_t missing(Time now, Duration round_trip, std::span<std::uint16_t> out);

    /// Another SSRC took over: forgets everything but the statistics.
    void reset();

    /// How long the publisher makes its packets, by the last one decoded; 0 before the first.
    [[nodiscard]] std::size_t packet_samples() const { return packet_samples_; }
    [[nodiscard]] const JitterBufferStats& stats() const { return buffer_.stats(); }

private:
    void decode(const PlayoutStep& step);
    void fade(std::span<float> concealed);

    JitterBuffer buffer_;
    Decoder decoder_;
    /// Decoded and not yet handed out, from a hop's boundary on: what is asked for plus one packet,
    /// and the concealment that is cut to its length afterwards.
    static constexpr std::size_t kFifoSamples = 2 * kMaxPacketSamples + kHopSamples;
    std::array<float, kFifoSamples> fifo_{};
    std::array<Origin, kFifoSamples / kHopSamples> origins_{};
    std::size_t held_samples_ = 0;
    std::size_t concealed_samples_ = 0;  ///< in a row, up to now
    std::size_t packet_samples_ = 0;
};

}  // namespace hushcast::media
