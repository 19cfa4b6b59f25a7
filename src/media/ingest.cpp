#include "media/ingest.hpp"

#include <algorithm>

namespace hushcast::media {

namespace {

/// Concealment comes in multiples of 2.5 ms.
constexpr std::size_t kConcealGrid = 120;
/// libopus turns a long loss into a steady noise as loud as the sound was. A guess is worth hearing
/// for a moment only: after 100 ms it fades, after 200 ms there is silence.
constexpr std::size_t kFadeBegins = 4'800;
constexpr std::size_t kFadeEnds = 9'600;

std::size_t on_grid(std::size_t samples) {
    return (samples + kConcealGrid - 1) / kConcealGrid * kConcealGrid;
}

}  // namespace

Ingest::Ingest(const JitterBuffer::Settings& settings) : buffer_(settings) {}

void Ingest::insert(Time arrival, std::uint16_t sequence, std::uint32_t timestamp, Bytes payload) {
    buffer_.insert(arrival, sequence, timestamp, payload);
}

std::size_t Ingest::pull(Time now, std::span<float> out, std::span<Origin> origins) {
    const std::size_t room = std::min(out.size() / kHopSamples, kMaxHops);
    while (held_samples_ < room * kHopSamples) {
        const auto step = buffer_.pop(now);
        if (!step) break;
        decode(*step);
    }
    const std::size_t hops = std::min(room, held_samples_ / kHopSamples);
    const std::size_t taken = hops * kHopSamples;
    std::copy_n(fifo_.begin(), taken, out.begin());
    std::copy_n(origins_.begin(), std::min(hops, origins.size()), origins.begin());

    std::copy(fifo_.data() + taken, fifo_.data() + held_samples_, fifo_.data());
    std::shift_left(origins_.begin(), origins_.end(), static_cast<std::ptrdiff_t>(hops));
    std::fill(origins_.end() - static_cast<std::ptrdiff_t>(hops), origins_.end(), Origin::Received);
    held_samples_ -= taken;
    return hops;
}

void Ingest::decode(const PlayoutStep& step) {
    Origin origin = Origin::Received;
    std::size_t skip = 0;
    const std::span<float> room = std::span(fifo_).subspan(held_samples_);
    switch (step.kind) {
        case PlayoutStep::Kind::Packet:
            skip = step.skip;
            packet_samples_ = skip + step.samples;
            if (is_dtx(step.payload)) origin = Origin::Comfort;
            if (decoder_.decode(step.payload, room) != skip + step.samples) {
                // A frame that only decoding shows to be garbage: its time passes all the same.
                origin = Origin::Concealed;
                decoder_.conceal(room.first(on_grid(skip + step.samples)));
            }
            break;
        case PlayoutStep::Kind::Fec:
            origin = Origin::Recovered;
            decoder_.decode_fec(step.payload, room.first(on_grid(step.samples)));
            break;
        case PlayoutStep::Kind::Conceal:
        case PlayoutStep::Kind::Comfort:
            origin = step.kind == PlayoutStep::Kind::Comfort ? Origin::Comfort : Origin::Concealed;
            decoder_.conceal(room.first(on_grid(step.samples)));
            break;
    }
    std::copy_n(room.begin() + static_cast<std::ptrdiff_t>(skip), step.samples, room.begin());
    if (origin == Origin::Concealed) {
        fade(room.first(step.samples));
    } else {
        concealed_samples_ = 0;
    }

    const std::size_t end = held_samples_ + step.samples;
    for (std::size_t hop = held_samples_ / kHopSamples; hop * kHopSamples < end; ++hop) {
        origins_[hop] = std::max(origins_[hop], origin);
    }
    held_samples_ = end;
}

void Ingest::fade(std::span<float> concealed) {
    for (float& sample : concealed) {
        concealed_samples_ = std::min(concealed_samples_ + 1, kFadeEnds);
        const std::size_t left = kFadeEnds - std::max(concealed_samples_, kFadeBegins);
        sample *= static_cast<float>(left) / static_cast<float>(kFadeEnds - kFadeBegins);
    }
}

std::size_t Ingest::missing(Time now, Duration round_trip, std::span<std::uint16_t> out) {
    return buffer_.missing(now, round_trip, out);
}

void Ingest::reset() {
    buffer_.reset();
    decoder_.reset();
    held_samples_ = 0;
    concealed_samples_ = 0;
    packet_samples_ = 0;
    origins_.fill(Origin::Received);
}

}  // namespace hushcast::media
