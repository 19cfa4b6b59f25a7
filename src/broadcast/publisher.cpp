#include "broadcast/publisher.hpp"

#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "rtc/rtp.hpp"

namespace hushcast::broadcast {
namespace {

constexpr std::string_view kCname = "hushcast";
/// What is asked for again at once; more than that is an outage, not a loss.
constexpr std::size_t kMaxNacksPerTick = 32;
/// Share of a new report in the loss that is shown: fifty packets a report make it jump.
constexpr double kLossSmoothing = 0.3;

}  // namespace

void Publisher::attach(LegMedia leg, bool nack) {
    leg_.emplace(std::move(leg));
    nack_ = nack;
    source_.reset();
    stats_ = {};
    loss_percent_ = 0;
}

void Publisher::detach(LegId leg) {
    if (is(leg)) leg_.reset();
}

void Publisher::move(LegId leg, const Path& path) {
    if (is(leg)) leg_->path = path;
}

bool Publisher::on_rtp(Time arrival, MutableBytes datagram, media::Ingest& ingest) {
    const auto size = leg_->receiver.unprotect_rtp(datagram);
    const auto packet = size ? rtc::parse_rtp(datagram.first(*size)) : std::nullopt;
    if (!packet || packet->payload_type != leg_->payload_type ||
        !accept_source(arrival, packet->ssrc, ingest)) {
        ++dropped_;
        return false;
    }
    last_packet_ = arrival;
    stats_.on_packet(arrival, *packet);
    ingest.insert(arrival, packet->sequence, packet->timestamp, packet->payload);
    return true;
}

bool Publisher::accept_source(Time arrival, std::uint32_t ssrc, media::Ingest& ingest) {
    if (source_ == ssrc) return true;
    if (source_ && arrival - last_packet_ < kSourceSilence) return false;
    // Also after attach(): a new leg counts and numbers from anywhere.
    ingest.reset();
    stats_ = {};
    source_ = ssrc;
    return true;
}

bool Publisher::on_rtcp(Time arrival, MutableBytes datagram) {
    const auto size = leg_->receiver.unprotect_rtcp(datagram);
    const auto packet = size ? rtc::parse_rtcp(datagram.first(*size)) : std::nullopt;
    if (!packet) {
        ++dropped_;
        return false;
    }
    if (packet->sender && packet->sender->ssrc == source_) {
        stats_.on_sender_report(arrival, *packet->sender);
    }
    for (const std::uint32_t gone : packet->goodbyes) {
        if (gone == source_) return true;
    }
    return false;
}

void Publisher::tick(Time now, media::Ingest& ingest, SendBatch& out) {
    if (!leg_ || !source_) return;
    if (nack_) {
        std::array<std::uint16_t, kMaxNacksPerTick> missing{};
        const std::size_t count = ingest.missing(now, kAssumedRoundTrip, missing);
        if (count > 0) {
            const MutableBytes buffer = out.next();
            send(buffer, rtc::write_nack(buffer, ssrc_, *source_, std::span(missing).first(count)),
                 out);
        }
    }
    if (now < next_report_) return;
    next_report_ = now + kReportInterval;
    if (const auto block = stats_.report(now)) {
        const double loss = static_cast<double>(block->fraction_lost) * 100 / 256;
        loss_percent_ += kLossSmoothing * (loss - loss_percent_);
        const MutableBytes buffer = out.next();
        send(buffer, rtc::write_receiver_report(buffer, ssrc_, *block, kCname), out);
    }
}

void Publisher::say_goodbye(SendBatch& out) {
    if (!leg_) return;
    const MutableBytes buffer = out.next();
    send(buffer, rtc::write_goodbye(buffer, ssrc_, kCname), out);
}

void Publisher::send(MutableBytes buffer, std::size_t size, SendBatch& out) {
    const auto protected_size = leg_->sender.protect_rtcp(buffer, size);
    if (protected_size) out.commit(leg_->path, *protected_size);
}

}  // namespace hushcast::broadcast
