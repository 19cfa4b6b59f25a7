// The adaptive jitter buffer of one incoming Opus stream. It decides *when* each packet is due and
// what stands in for packets that never come; it holds payloads, not samples, and decodes nothing.
//
// The server is no sound card: it need not run at its own clock's pace. It follows the publisher's
// clock (baseline = smallest transit time over a sliding window, which tracks drift), adds a playout
// delay sized by the jitter seen, and hands out packets when they are due. Drift therefore never
// stretches, drops or repeats a sample; listeners' own buffers absorb the residue as they would behind
// any forwarder. docs/jitter-buffer.md has the design, tests/sim the proof in virtual time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace hushcast::media {

/// What to do for the next piece of the timeline.
struct PlayoutStep {
    enum class Kind {
        Packet,   ///< decode `payload`
        Fec,      ///< the packet is lost; recover `samples` from `payload`, which is the next one
        Conceal,  ///< the packet is lost and nothing helps: conceal `samples`
        Comfort,  ///< the publisher is in DTX: conceal `samples` (comfort noise)
    };
    Kind kind = Kind::Conceal;
    std::size_t samples = 0;
    Bytes payload;  ///< valid until the next call of any member
};

struct JitterBufferStats {
    std::uint64_t received = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t late = 0;       ///< came after their place had been concealed
    std::uint64_t overflowed = 0; ///< dropped because the buffer was full
    std::uint64_t malformed = 0;  ///< no valid Opus TOC
    std::uint64_t concealed = 0;  ///< packets' worth of concealment
    std::uint64_t recovered = 0;  ///< by FEC
    std::uint64_t resyncs = 0;    ///< jumps of the RTP time line that started it anew
    Duration playout_delay{};     ///< the present target above the baseline
};

class JitterBuffer {
public:
    struct Settings {
        /// Playout delay is kept within these.
        Duration min_delay = std::chrono::milliseconds(0);
        Duration max_delay = std::chrono::milliseconds(400);
        /// How long nothing at all may arrive before the gap is concealed instead of waited for.
        Duration max_wait = std::chrono::milliseconds(200);
    };
    static constexpr std::size_t kMaxPackets = 128;  ///< 2.5 s of 20 ms packets
    /// Steps handed out per call of pop() at one instant are bounded by the caller; a backlog is
    /// worked off a few at a time so that one stream cannot delay the others' tick.

    explicit JitterBuffer(const Settings& settings);

    /// @param sequence, timestamp  unwrapped by the buffer itself.
    void insert(Time arrival, std::uint16_t sequence, std::uint32_t timestamp, Bytes payload);

    /// The next step of the timeline if it is due at `now`, nothing otherwise.
    std::optional<PlayoutStep> pop(Time now);

    /// Sequence numbers worth asking for again at `now` (missing, not yet given up, not asked for
    /// within the last round trip).
    std::vector<std::uint16_t> missing(Time now, Duration round_trip);

    [[nodiscard]] const JitterBufferStats& stats() const;
};

}  // namespace hushcast::media
