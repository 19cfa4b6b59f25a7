#include "broadcast/media_stream.hpp"

#include <algorithm>
#include <cmath>

namespace hushcast::broadcast {
namespace {

/// Share of the newest loss in the encoder's expectation: reports are few and jump.
constexpr double kLossSmoothing = 0.3;

}  // namespace

MediaStream::MediaStream(const Settings& settings,
                         StreamShared& shared,
                         const WallClock& wall_clock)
    : settings_(settings),
      shared_(shared),
      publisher_(settings.ssrc),
      encoder_({.bitrate_bps = settings.bitrate_bps}),
      listeners_(wall_clock, settings.ssrc) {}

void MediaStream::join(const denoise::Denoiser* denoiser) {
    noise_.emplace(denoiser, settings_.denoise, settings_.attenuation_limit_db);
}

void MediaStream::change(bool denoise, float attenuation_limit_db) {
    settings_.denoise = denoise;
    noise_->set(denoise, attenuation_limit_db);
}

void MediaStream::remove_leg(LegId leg) {
    if (!listeners_.remove(leg)) publisher_.detach(leg);
}

void MediaStream::move_leg(LegId leg, const Path& path) {
    publisher_.move(leg, path);
    listeners_.move(leg, path);
}

bool MediaStream::on_packet(Packet& packet, SendBatch& out) {
    if (!publisher_.is(packet.leg())) {
        return packet.rtcp() && listeners_.on_rtcp(packet.leg(), packet.bytes(), out);
    }
    if (packet.rtcp()) return publisher_.on_rtcp(packet.arrival(), packet.bytes());
    if (publisher_.on_rtp(packet.arrival(), packet.bytes(), ingest_)) {
        shared_.last_media.store(packet.arrival().time_since_epoch().count(),
                                 std::memory_order_relaxed);
    }
    return false;
}

void MediaStream::pull(Time now) {
    hops_ = ingest_.pull(now, pulled_);
    next_hop_ = 0;
}

std::optional<denoise::Lane> MediaStream::begin_hop(bool relief) {
    const auto in = std::span(pulled_).subspan(next_hop_ * kHop).first<kHop>();
    if (const auto level = input_level_.add(in)) {
        shared_.input_level_db.store(*level, std::memory_order_relaxed);
    }
    return noise_->begin(in, relief);
}

void MediaStream::finish_hop(Time now, SendBatch& out) {
    const auto heard = std::span(frame_).subspan(frame_hops_ * kHop).first<kHop>();
    noise_->finish(heard);
    ++next_hop_;
    ++frame_hops_;
    if (const auto level = output_level_.add(heard)) {
        shared_.output_level_db.store(*level, std::memory_order_relaxed);
    }
    shared_.recording.write(heard);
    // Where packets hold whole frames, a single hop that is left over would make every later frame
    // wait for half a packet: it goes out alone, and the frames lie on the packets again.
    const bool left_over = !has_hop() && ingest_.packet_samples() % (kFrameHops * kHop) == 0;
    if (frame_hops_ == kFrameHops || left_over) send_frame(now, out);
}

void MediaStream::send_frame(Time now, SendBatch& out) {
    const std::size_t samples = frame_hops_ * kHop;
    if (!listeners_.empty()) {
        const std::size_t size = encoder_.encode(std::span(frame_).first(samples), payload_);
        if (size > 0) {
            listeners_.send(now, Bytes(payload_).first(size), timestamp_, out);
        }
    }
    timestamp_ += static_cast<std::uint32_t>(samples);
    frame_hops_ = 0;
}

void MediaStream::end_tick(Time now, bool relief, SendBatch& out) {
    publisher_.tick(now, ingest_, out);
    adapt_to_loss(now);
    constexpr auto kRelaxed = std::memory_order_relaxed;
    const std::chrono::duration<float, std::milli> playout = ingest_.stats().playout_delay;
    shared_.playout_delay_ms.store(playout.count(), kRelaxed);
    shared_.jitter_ms.store(static_cast<float>(publisher_.jitter_ms()), kRelaxed);
    shared_.loss_percent.store(static_cast<float>(publisher_.loss_percent()), kRelaxed);
    shared_.overloaded.store(relief && settings_.denoise, kRelaxed);
}

void MediaStream::adapt_to_loss(Time now) {
    if (now < next_loss_) return;
    next_loss_ = now + kLossInterval;
    expected_loss_percent_ +=
        kLossSmoothing * (listeners_.expected_loss_percent() - expected_loss_percent_);
    encoder_.set_expected_loss(static_cast<int>(std::lround(expected_loss_percent_)));
}

void MediaStream::say_goodbye(SendBatch& out) {
    listeners_.say_goodbye(out);
    publisher_.say_goodbye(out);
}

}  // namespace hushcast::broadcast
