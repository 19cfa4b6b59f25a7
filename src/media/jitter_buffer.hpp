// The jitter buffer of one incoming Opus stream. It decides what the next piece of the publisher's
// time line is and when it is due, and what stands in for packets that never come; it holds
// payloads, not samples, and decodes nothing.
//
// The server is no sound card: nothing here runs dry when a packet is late. So a packet whose
// predecessors are out is due at once, whatever the network's jitter: only what is *missing* is
// waited for, as long as reordered packets or retransmissions have lately taken, and that alone
// adapts. Drift never stretches, drops or repeats a sample, as nothing here has a clock of its own;
// listeners' own buffers absorb jitter as they would behind any forwarder. docs/jitter-buffer.md
// has the reasons and the figures.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "media/sliding_extremes.hpp"

namespace hushcast::media {

/// What to do for the next piece of the time line.
struct PlayoutStep {
    enum class Kind {
        Packet,   ///< decode `payload`
        Fec,      ///< the packet is lost; recover its end from `payload`, which is the next one
        Conceal,  ///< the packet is lost and nothing helps: conceal
        Comfort,  ///< the publisher is silent on purpose (DTX): comfort noise
    };
    Kind kind = Kind::Conceal;
    /// Length of the piece, 1 .. kMaxPacketSamples; concealed pieces need not be multiples of 120.
    std::size_t samples = 0;
    /// A packet's first samples to throw away, because concealment already stands in their place.
    std::size_t skip = 0;
    Bytes payload;  ///< valid until the next call of any member
};

struct JitterBufferStats {
    std::uint64_t received = 0;
    std::uint64_t reordered = 0;  ///< came after a later one, in time or not
    std::uint64_t duplicates = 0;
    std::uint64_t late = 0;        ///< came after their place had been concealed
    std::uint64_t overflowed = 0;  ///< dropped because the buffer was full
    std::uint64_t malformed = 0;   ///< no valid Opus packet, or longer than kMaxPayloadBytes
    std::uint64_t concealed = 0;   ///< pieces concealed, a packet long each
    std::uint64_t recovered = 0;   ///< by FEC
    std::uint64_t resent = 0;      ///< came after they had been asked for again
    std::uint64_t resyncs = 0;     ///< jumps of the RTP time line that started it anew
    /// How far behind the fastest packet's way sound is handed out: the highest of the last
    /// seconds, the network's jitter included.
    Duration playout_delay{};
};

/// One thread. Allocates in the constructor only.
class JitterBuffer {
public:
    struct Settings {
        /// The longest that a missing packet holds up those behind it.
        Duration max_delay = std::chrono::milliseconds(400);
        /// How long nothing at all may arrive, beyond the usual jitter, before the gap is concealed
        /// instead of waited for.
        Duration max_wait = std::chrono::milliseconds(200);
    };
    /// Span of sequence numbers kept, a power of two: 2.5 s of 20 ms packets. pop() is called as
    /// often as its caller likes at one instant; a backlog is worked off a few steps at a time so
    /// that one stream cannot delay the others' tick.
    static constexpr std::size_t kMaxPackets = 128;

    explicit JitterBuffer(const Settings& settings);

    /// @param sequence, timestamp  unwrapped by the buffer itself.
    void insert(Time arrival, std::uint16_t sequence, std::uint32_t timestamp, Bytes payload);

    /// The next step of the time line if it is due at `now`, nothing otherwise.
    std::optional<PlayoutStep> pop(Time now);

    /// Sequence numbers worth asking for again at `now`, ascending: missing, still of use, and not
    /// asked for within the last round trip. Gaps are held open for them, so call it only where
    /// somebody is asked; a publisher that never answers is soon no longer waited for.
    /// @return how many were written to `out`.
    std::size_t missing(Time now, Duration round_trip, std::span<std::uint16_t> out);

    /// Another SSRC took over: forgets everything but the statistics.
    void reset();

    [[nodiscard]] const JitterBufferStats& stats() const { return stats_; }

private:
    enum class State : std::uint8_t {
        Unknown,  ///< nothing heard of this sequence number
        Missing,  ///< a later one has come
        Present,
        Gone,  ///< it came, and was played or was too late
        Lost,  ///< given up
    };
    /// A sequence number within the window.
    struct Place {
        std::int64_t sequence = -1;
        std::int64_t timestamp = 0;
        Time noticed{};     ///< when a later one came
        Time last_asked{};  ///< meaningful where asks > 0
        State state = State::Unknown;
        std::uint8_t asks = 0;
        std::uint8_t slot = 0;  ///< of its payload in the store
        std::uint16_t bytes = 0;
        std::uint16_t samples = 0;
    };

    Place& place(std::int64_t sequence) {
        return places_[static_cast<std::size_t>(sequence) % kMaxPackets];
    }
    void clear();
    void begin(std::uint16_t sequence, std::uint32_t timestamp);
    bool is_new_start(Time arrival, std::int64_t sequence, std::int64_t ends);
    bool admit(Time arrival, std::int64_t sequence, std::int64_t begins, std::int64_t ends);
    bool step_back(Time arrival, std::int64_t sequence, std::int64_t begins);
    void count_unwanted(Time arrival, Place& known, std::int64_t sequence);
    void learn_overtaken(Time arrival, const Place& overtaken);
    void notice_missing(Time arrival, std::int64_t sequence);
    [[nodiscard]] bool plausible(Time arrival, std::int64_t ends) const;

    Place* first_present();
    PlayoutStep play(Time now, Place& packet);
    std::optional<PlayoutStep> fill_gap(Time now, Place& next);
    std::optional<PlayoutStep> fill_silence(Time now);
    PlayoutStep fill(PlayoutStep::Kind kind, std::int64_t samples);
    [[nodiscard]] std::int64_t first_needed(const Place& next) const;
    void settle_before(std::int64_t sequence);
    [[nodiscard]] Time give_up_time(const Place& missing) const;
    [[nodiscard]] Duration gap_wait() const;
    void return_lent();
    [[nodiscard]] Bytes payload_of(const Place& packet) const;
    [[nodiscard]] Duration media_time(std::int64_t timestamp) const;

    Settings settings_;
    JitterBufferStats stats_;

    std::array<Place, kMaxPackets> places_{};
    std::vector<std::uint8_t> payloads_;  ///< kMaxPackets slots; the lowest free one is taken next
    std::array<std::uint8_t, kMaxPackets> free_slots_{};
    std::size_t free_count_ = 0;
    std::optional<std::uint8_t> lent_slot_;  ///< of the payload that pop() last gave out

    bool started_ = false;
    bool played_ = false;              ///< something has been handed out since the start
    bool silent_ = false;              ///< the last packet played was DTX
    std::int64_t next_sequence_ = 0;   ///< all before it are settled
    std::int64_t next_timestamp_ = 0;  ///< the next sample to hand out
    std::int64_t newest_sequence_ = 0;
    std::int64_t newest_timestamp_ = 0;
    std::int64_t origin_timestamp_ = 0;
    std::size_t present_ = 0;
    std::int64_t packet_samples_ = 0;  ///< of the last packet played
    std::optional<Time> late_since_;

    SlidingExtremes transit_;    ///< arrival minus media time of the packet's end
    SlidingExtremes overtaken_;  ///< how much later than a successor packets came
    SlidingExtremes behind_;     ///< see JitterBufferStats::playout_delay
    bool asking_ = false;        ///< missing() has been called
    Duration ask_interval_{};
    unsigned unanswered_ = 0;  ///< packets asked for in vain since one last came
};

}  // namespace hushcast::media
