#include "media/jitter_buffer.hpp"

#include <algorithm>
#include <cstring>

#include "media/opus_codec.hpp"

namespace hushcast::media {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Unwrapped sequence numbers begin here, so that they stay positive whatever comes before the
/// first.
constexpr std::int64_t kFirstCycle = std::int64_t{1} << 32;

/// A sequence number this far from the newest is a new start and no dropout (RFC 3550 appendix A.1
/// has 3,000 for dropouts; what comes 1,000 packets late is nobody's retransmission).
constexpr std::int64_t kMaxDropoutPackets = 3'000;
constexpr std::int64_t kMaxMisorderPackets = 1'000;
/// Media time that is this far from where the packet's arrival puts it is a new time line.
constexpr Duration kMaxTimeJump = seconds(5);
/// New packets that are all too late for this long come from a time line that stood still.
constexpr Duration kMaxLateness = milliseconds(500);

/// A missing packet is waited for at least this long: it costs nothing where nothing is missing.
constexpr Duration kMinGapWait = milliseconds(20);
/// A missing packet is asked for when its successor has been here this long.
constexpr Duration kReorderTolerance = milliseconds(5);
constexpr Duration kMinAskInterval = milliseconds(20);
constexpr std::uint8_t kMaxAsks = 4;
/// From the tick in which something is asked for or answered to the one that takes the answer.
constexpr Duration kTickSlack = milliseconds(15);
/// After so many packets asked for in vain the publisher is taken not to resend.
constexpr unsigned kHopeless = 8;

/// With so much of the window spanned by a gap, it is given up before the window is full.
constexpr std::int64_t kGiveUpSpan = 96;
/// A packet's length before the first is known.
constexpr std::int64_t kUsualSamples = 960;

constexpr auto kWindow = static_cast<std::int64_t>(JitterBuffer::kMaxPackets);

std::int64_t unwrap(std::int64_t reference, std::uint16_t value) {
    const auto delta = static_cast<std::int16_t>(value - static_cast<std::uint16_t>(reference));
    return reference + delta;
}

std::int64_t unwrap(std::int64_t reference, std::uint32_t value) {
    const auto delta = static_cast<std::int32_t>(value - static_cast<std::uint32_t>(reference));
    return reference + delta;
}

/// A second's nanoseconds over 48,000 is 62,500 over 3.
Duration duration_of(std::int64_t samples) { return nanoseconds(samples * 62'500 / 3); }

std::int64_t pieces(std::int64_t samples, std::int64_t of) { return (samples + of - 1) / of; }

}  // namespace

JitterBuffer::JitterBuffer(const Settings& settings)
    : settings_(settings), payloads_(kMaxPackets * kMaxPayloadBytes) {
    clear();
}

void JitterBuffer::reset() {
    clear();
    started_ = false;
    unanswered_ = 0;
    overtaken_.clear();
}

void JitterBuffer::clear() {
    places_.fill(Place{});
    for (std::size_t i = 0; i < kMaxPackets; ++i) {
        free_slots_[i] = static_cast<std::uint8_t>(kMaxPackets - 1 - i);
    }
    free_count_ = kMaxPackets;
    lent_slot_.reset();
    late_since_.reset();
    present_ = 0;
    played_ = false;
    silent_ = false;
    packet_samples_ = kUsualSamples;
    transit_.clear();
    behind_.clear();
    stats_.playout_delay = {};
}

void JitterBuffer::begin(std::uint16_t sequence, std::uint32_t timestamp) {
    clear();
    started_ = true;
    next_sequence_ = kFirstCycle + sequence;
    newest_sequence_ = next_sequence_ - 1;
    next_timestamp_ = newest_timestamp_ = origin_timestamp_ = timestamp;
}

// ---- in ----

void JitterBuffer::insert(Time arrival,
                          std::uint16_t sequence,
                          std::uint32_t timestamp,
                          Bytes payload) {
    return_lent();
    ++stats_.received;
    const std::size_t samples = payload.size() <= kMaxPayloadBytes ? packet_samples(payload) : 0;
    if (samples == 0) {
        ++stats_.malformed;
        return;
    }
    if (!started_) begin(sequence, timestamp);
    std::int64_t at = unwrap(newest_sequence_, sequence);
    std::int64_t begins = unwrap(newest_timestamp_, timestamp);
    if (is_new_start(arrival, at, begins + static_cast<std::int64_t>(samples))) {
        ++stats_.resyncs;
        begin(sequence, timestamp);
        at = next_sequence_;
        begins = timestamp;
    }
    const std::int64_t ends = begins + static_cast<std::int64_t>(samples);
    if (!admit(arrival, at, begins, ends)) return;

    Place& entry = place(at);
    entry.sequence = at;
    entry.timestamp = begins;
    entry.samples = static_cast<std::uint16_t>(samples);
    entry.bytes = static_cast<std::uint16_t>(payload.size());
    entry.slot = free_slots_[--free_count_];
    entry.state = State::Present;
    std::memcpy(payloads_.data() + entry.slot * kMaxPayloadBytes, payload.data(), payload.size());
    ++present_;
}

bool JitterBuffer::is_new_start(Time arrival, std::int64_t sequence, std::int64_t ends) {
    const std::int64_t ahead = sequence - newest_sequence_;
    if (ahead > kMaxDropoutPackets || ahead < -kMaxMisorderPackets) return true;
    if (ahead <= 0 || transit_.empty()) return false;
    if (!plausible(arrival, ends)) return true;
    if (ends > next_timestamp_) {
        late_since_.reset();
        return false;
    }
    if (!late_since_) late_since_ = arrival;
    return arrival - *late_since_ > kMaxLateness;
}

/// Whether the packet gets a place, which is then free and within the window.
bool JitterBuffer::admit(Time arrival,
                         std::int64_t sequence,
                         std::int64_t begins,
                         std::int64_t ends) {
    if (sequence < next_sequence_ && !step_back(arrival, sequence, begins)) {
        count_unwanted(arrival, place(sequence), sequence);
        return false;
    }
    if (sequence - next_sequence_ >= kWindow) {
        if (present_ > 0) {
            ++stats_.overflowed;
            return false;
        }
        next_sequence_ = sequence - kWindow + 1;
    }
    if (sequence > newest_sequence_) {
        notice_missing(arrival, sequence);
        newest_sequence_ = sequence;
        newest_timestamp_ = begins;
        place(sequence) = Place{.sequence = sequence};
        overtaken_.record(arrival, Duration::zero());
    } else if (place(sequence).state != State::Missing) {
        ++stats_.duplicates;
        return false;
    } else if (!plausible(arrival, ends)) {
        ++stats_.malformed;
        return false;
    } else {
        learn_overtaken(arrival, place(sequence));
    }
    transit_.record(arrival, arrival.time_since_epoch() - media_time(ends));
    if (ends > next_timestamp_) return true;

    ++stats_.late;
    place(sequence).state = State::Gone;
    if (present_ == 0) next_sequence_ = newest_sequence_ + 1;
    return false;
}

/// The first packets of a stream may come in any order, as long as nothing has been handed out.
bool JitterBuffer::step_back(Time arrival, std::int64_t sequence, std::int64_t begins) {
    if (played_ || newest_sequence_ - sequence >= kWindow || begins >= next_timestamp_ ||
        next_timestamp_ - begins > kWindow * kUsualSamples) {
        return false;
    }
    for (std::int64_t between = sequence; between < next_sequence_; ++between) {
        place(between) = Place{.sequence = between, .noticed = arrival, .state = State::Missing};
    }
    next_sequence_ = sequence;
    next_timestamp_ = begins;
    return true;
}

void JitterBuffer::count_unwanted(Time arrival, Place& known, std::int64_t sequence) {
    const bool remembered = known.sequence == sequence;
    if (remembered && known.state == State::Gone) {
        ++stats_.duplicates;
        return;
    }
    ++stats_.late;
    if (!remembered || known.state != State::Lost) return;
    learn_overtaken(arrival, known);
    known.state = State::Gone;  // a second copy is a duplicate, and teaches nothing
}

void JitterBuffer::learn_overtaken(Time arrival, const Place& overtaken) {
    ++stats_.reordered;
    if (overtaken.asks > 0) {
        ++stats_.resent;
        unanswered_ = 0;
    }
    overtaken_.record(arrival, arrival - overtaken.noticed);
}

void JitterBuffer::notice_missing(Time arrival, std::int64_t sequence) {
    const std::int64_t first = std::max(newest_sequence_ + 1, next_sequence_);
    for (std::int64_t absent = first; absent < sequence; ++absent) {
        place(absent) = Place{.sequence = absent, .noticed = arrival, .state = State::Missing};
    }
}

bool JitterBuffer::plausible(Time arrival, std::int64_t ends) const {
    const Duration transit = arrival.time_since_epoch() - media_time(ends);
    const Duration jitter = transit - transit_.min();
    return jitter < kMaxTimeJump && jitter > -kMaxTimeJump;
}

// ---- out ----

std::optional<PlayoutStep> JitterBuffer::pop(Time now) {
    return_lent();
    if (!started_) return std::nullopt;
    Place* next = first_present();
    if (next == nullptr) return played_ ? fill_silence(now) : std::nullopt;
    if (next->timestamp > next_timestamp_) return fill_gap(now, *next);
    return play(now, *next);
}

/// The next packet that is here and still of use.
JitterBuffer::Place* JitterBuffer::first_present() {
    if (present_ == 0) return nullptr;
    for (std::int64_t sequence = next_sequence_; sequence <= newest_sequence_; ++sequence) {
        Place& candidate = place(sequence);
        if (candidate.state != State::Present) continue;
        if (candidate.timestamp + candidate.samples > next_timestamp_) return &candidate;
        // Concealment has run over it since it came, which takes a publisher whose time stamps
        // overlap.
        ++stats_.late;
        candidate.state = State::Gone;
        free_slots_[free_count_++] = candidate.slot;
        --present_;
    }
    next_sequence_ = newest_sequence_ + 1;
    return nullptr;
}

PlayoutStep JitterBuffer::play(Time now, Place& packet) {
    settle_before(packet.sequence);
    const std::int64_t skip = next_timestamp_ - packet.timestamp;
    packet.state = State::Gone;
    --present_;
    lent_slot_ = packet.slot;
    played_ = true;
    packet_samples_ = packet.samples;
    next_sequence_ = packet.sequence + 1;
    next_timestamp_ = packet.timestamp + packet.samples;

    const Bytes payload = payload_of(packet);
    silent_ = is_dtx(payload);
    behind_.record(now, now.time_since_epoch() - media_time(next_timestamp_) - transit_.min());
    stats_.playout_delay = behind_.max();
    return {.kind = PlayoutStep::Kind::Packet,
            .samples = static_cast<std::size_t>(packet.samples - skip),
            .skip = static_cast<std::size_t>(skip),
            .payload = payload};
}

/// Something lies between what was handed out last and `next`: packets that are missing, time in
/// which the publisher sent nothing (the sequence numbers go on, the time stamps jump), or both.
std::optional<PlayoutStep> JitterBuffer::fill_gap(Time now, Place& next) {
    const std::int64_t gap = next.timestamp - next_timestamp_;
    const std::int64_t lost = next.sequence - first_needed(next);
    if (lost == 0) return fill(PlayoutStep::Kind::Comfort, std::min(gap, packet_samples_));

    Place& missing = place(next.sequence - lost);
    if (missing.state == State::Missing && now < give_up_time(missing)) return std::nullopt;
    settle_before(missing.sequence);
    const std::int64_t unsent = gap - lost * packet_samples_;
    if (unsent > 0) {
        return fill(silent_ ? PlayoutStep::Kind::Comfort : PlayoutStep::Kind::Conceal,
                    std::min(unsent, packet_samples_));
    }
    settle_before(missing.sequence + 1);
    // The odd rest comes first, so that the last piece, which may be recovered, is a whole packet.
    PlayoutStep step = fill(PlayoutStep::Kind::Conceal, gap - (lost - 1) * packet_samples_);
    if (lost == 1 && has_fec(payload_of(next))) {
        step.kind = PlayoutStep::Kind::Fec;
        step.payload = payload_of(next);
        --stats_.concealed;
        ++stats_.recovered;
    }
    return step;
}

/// Nothing is here. After DTX the silence goes on at the publisher's pace; else it is waited for
/// longer than usual, and then time goes on without it.
std::optional<PlayoutStep> JitterBuffer::fill_silence(Time now) {
    const Duration jitter = std::min(transit_.max() - transit_.min(), settings_.max_delay);
    const Duration patience = silent_ ? duration_of(packet_samples_) : settings_.max_wait;
    const Duration due =
        media_time(next_timestamp_ + packet_samples_) + transit_.min() + jitter + patience;
    if (now.time_since_epoch() < due) return std::nullopt;
    return fill(silent_ ? PlayoutStep::Kind::Comfort : PlayoutStep::Kind::Conceal, packet_samples_);
}

PlayoutStep JitterBuffer::fill(PlayoutStep::Kind kind, std::int64_t samples) {
    if (kind == PlayoutStep::Kind::Conceal) ++stats_.concealed;
    next_timestamp_ += samples;
    return {.kind = kind, .samples = static_cast<std::size_t>(samples), .skip = 0, .payload = {}};
}

/// The first missing packet before `next` whose sound has a place left: concealment may have run
/// over those before it.
std::int64_t JitterBuffer::first_needed(const Place& next) const {
    const std::int64_t gap = std::max<std::int64_t>(next.timestamp - next_timestamp_, 0);
    return std::max(next_sequence_, next.sequence - pieces(gap, packet_samples_));
}

/// None before `sequence` is waited for any more.
void JitterBuffer::settle_before(std::int64_t sequence) {
    for (; next_sequence_ < sequence; ++next_sequence_) {
        Place& settled = place(next_sequence_);
        if (settled.state != State::Missing) continue;
        settled.state = State::Lost;
        if (settled.asks > 0) ++unanswered_;
    }
}

Time JitterBuffer::give_up_time(const Place& missing) const {
    if (newest_sequence_ - next_sequence_ >= kGiveUpSpan) return Time::min();
    Time until = missing.noticed + gap_wait();
    if (asking_ && unanswered_ < kHopeless) {
        const Time asked = missing.asks > 0 ? missing.last_asked : missing.noticed + kTickSlack;
        until = std::max(until, asked + ask_interval_ + kTickSlack);
    }
    return std::min(until, missing.noticed + settings_.max_delay);
}

Duration JitterBuffer::gap_wait() const {
    const Duration seen = overtaken_.max();
    return std::min(std::max(kMinGapWait, seen + seen / 4), settings_.max_delay);
}

std::size_t JitterBuffer::missing(Time now, Duration round_trip, std::span<std::uint16_t> out) {
    return_lent();
    asking_ = true;
    ask_interval_ = std::clamp(round_trip + round_trip / 4, kMinAskInterval, settings_.max_delay);
    const Place* next = first_present();
    if (next == nullptr) return 0;
    std::size_t count = 0;
    for (std::int64_t at = first_needed(*next); at < newest_sequence_ && count < out.size(); ++at) {
        Place& absent = place(at);
        if (absent.state != State::Missing || absent.asks >= kMaxAsks) continue;
        if (now - absent.noticed < kReorderTolerance) continue;
        if (absent.asks > 0 && now - absent.last_asked < ask_interval_) continue;
        if (now + round_trip > absent.noticed + settings_.max_delay) continue;
        absent.last_asked = now;
        ++absent.asks;
        out[count++] = static_cast<std::uint16_t>(at);
    }
    return count;
}

void JitterBuffer::return_lent() {
    if (lent_slot_) free_slots_[free_count_++] = *lent_slot_;
    lent_slot_.reset();
}

Bytes JitterBuffer::payload_of(const Place& packet) const {
    return Bytes(payloads_).subspan(packet.slot * kMaxPayloadBytes, packet.bytes);
}

Duration JitterBuffer::media_time(std::int64_t timestamp) const {
    return duration_of(timestamp - origin_timestamp_);
}

}  // namespace hushcast::media
