#include "broadcast/fan_out.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "rtc/rtcp.hpp"
#include "rtc/rtp.hpp"

namespace hushcast::broadcast {
namespace {

constexpr std::string_view kCname = "hushcast";
/// Share of a new report in a listener's smoothed loss.
constexpr float kLossSmoothing = 0.5F;
constexpr double kListenersServed = 0.9;

}  // namespace

FanOut::FanOut(const WallClock& wall_clock, std::uint32_t seed)
    : wall_clock_(wall_clock), random_(seed) {}

void FanOut::add(LegMedia leg, std::uint32_t ssrc) {
    index_[leg.id] = listeners_.size();
    // Random starting points (RFC 3550 section 5.1); a low sequence number, so that none of the
    // first packets meets a wrap while the receiver has not settled on a roll-over count (RFC 3711
    // section 3.3.1).
    listeners_.push_back({.leg = std::move(leg),
                          .ssrc = ssrc,
                          .first_sequence = static_cast<std::uint16_t>(random_() & 0x7fff),
                          .timestamp_offset = static_cast<std::uint32_t>(random_()),
                          .first_packet = next_packet_,
                          .next_report = std::nullopt});
}

bool FanOut::remove(LegId leg) {
    const auto found = index_.find(leg);
    if (found == index_.end()) return false;
    const std::size_t place = found->second;
    index_.erase(found);
    if (place + 1 != listeners_.size()) {
        listeners_[place] = std::move(listeners_.back());
        index_[listeners_[place].leg.id] = place;
    }
    listeners_.pop_back();
    return true;
}

void FanOut::move(LegId leg, const Path& path) {
    if (const auto found = index_.find(leg); found != index_.end()) {
        listeners_[found->second].leg.path = path;
    }
}

void FanOut::send(Time now, Bytes payload, std::uint32_t timestamp, SendBatch& out) {
    const std::uint64_t number = next_packet_++;
    Sent& sent = history_[number % kHistory];
    sent.size = std::min(payload.size(), sent.payload.size());
    std::copy_n(payload.begin(), sent.size, sent.payload.begin());
    sent.timestamp = timestamp;

    for (Listener& listener : listeners_) {
        if (send_packet(listener, number, out)) {
            ++listener.packets;
            listener.bytes += static_cast<std::uint32_t>(sent.size);
        }
        if (!listener.next_report) {
            // The first soon: without it the receiver cannot tell what time it is that it plays.
            listener.next_report = now + std::chrono::milliseconds(200 + random_() % 600);
        } else if (now >= *listener.next_report) {
            report_to(now, listener, timestamp, out);
            const double spread = 0.5 + static_cast<double>(random_() % 1024) / 1024.0;
            listener.next_report =
                now + std::chrono::duration_cast<Duration>(kReportInterval * spread);
        }
    }
}

/// The same bytes for the same number, whenever it is called.
bool FanOut::send_packet(Listener& listener, std::uint64_t number, SendBatch& out) {
    const Sent& sent = history_[number % kHistory];
    const std::uint64_t since_first = number - listener.first_packet;
    const MutableBytes buffer = out.next();
    rtc::RtpPacket header;
    header.payload_type = listener.leg.payload_type;
    header.marker = since_first == 0;
    header.sequence = static_cast<std::uint16_t>(listener.first_sequence + since_first);
    header.timestamp = listener.timestamp_offset + sent.timestamp;
    header.ssrc = listener.ssrc;
    rtc::write_rtp_header(buffer.first<rtc::kRtpHeaderBytes>(), header);
    std::copy_n(sent.payload.begin(), sent.size, buffer.begin() + rtc::kRtpHeaderBytes);
    const auto size = listener.leg.sender.protect_rtp(buffer, rtc::kRtpHeaderBytes + sent.size);
    if (size) out.commit(listener.leg.path, *size);
    return size.ok();
}

void FanOut::resend(Listener& listener, std::span<const std::uint16_t> sequences, SendBatch& out) {
    const std::uint64_t sent = next_packet_ - listener.first_packet;
    const auto next_sequence = static_cast<std::uint16_t>(listener.first_sequence + sent);
    for (const std::uint16_t sequence : sequences.first(std::min(sequences.size(), kMaxResent))) {
        const auto age = static_cast<std::uint16_t>(next_sequence - sequence);
        if (age == 0 || age > kHistory || age > sent) continue;
        send_packet(listener, next_packet_ - age, out);
    }
}

void FanOut::report_to(Time now, Listener& listener, std::uint32_t timestamp, SendBatch& out) {
    const MutableBytes buffer = out.next();
    const rtc::SenderInfo info{listener.ssrc, rtc::ntp_time(wall_clock_(now)),
                               listener.timestamp_offset + timestamp, listener.packets,
                               listener.bytes};
    protect_rtcp(listener, buffer, rtc::write_sender_report(buffer, info, kCname), out);
}

bool FanOut::on_rtcp(LegId leg, MutableBytes datagram, SendBatch& out) {
    const auto found = index_.find(leg);
    if (found == index_.end()) return false;
    Listener& listener = listeners_[found->second];
    const auto size = listener.leg.receiver.unprotect_rtcp(datagram);
    if (!size) return false;
    const auto packet = rtc::parse_rtcp(datagram.first(*size));
    if (!packet) return false;
    for (const rtc::ReportBlock& block : packet->reports) {
        if (block.ssrc != listener.ssrc) continue;
        const float loss = static_cast<float>(block.fraction_lost) * 100 / 256;
        listener.loss_percent += kLossSmoothing * (loss - listener.loss_percent);
    }
    if (packet->nack_media_ssrc == listener.ssrc) resend(listener, packet->nacks, out);
    return !packet->goodbyes.empty();
}

void FanOut::say_goodbye(SendBatch& out) {
    for (Listener& listener : listeners_) {
        const MutableBytes buffer = out.next();
        protect_rtcp(listener, buffer, rtc::write_goodbye(buffer, listener.ssrc, kCname), out);
    }
}

void FanOut::protect_rtcp(Listener& listener,
                          MutableBytes buffer,
                          std::size_t size,
                          SendBatch& out) {
    const auto protected_size = listener.leg.sender.protect_rtcp(buffer, size);
    if (protected_size) out.commit(listener.leg.path, *protected_size);
}

int FanOut::expected_loss_percent() const {
    std::array<std::size_t, kMaxExpectedLossPercent + 1> having{};
    for (const Listener& listener : listeners_) {
        const int loss = static_cast<int>(std::lround(listener.loss_percent));
        ++having[static_cast<std::size_t>(std::clamp(loss, 0, kMaxExpectedLossPercent))];
    }
    const auto enough =
        static_cast<std::size_t>(std::ceil(kListenersServed * static_cast<double>(size())));
    std::size_t served = 0;
    for (std::size_t loss = 0; loss < having.size(); ++loss) {
        served += having[loss];
        if (served >= enough) return static_cast<int>(loss);
    }
    return kMaxExpectedLossPercent;
}

}  // namespace hushcast::broadcast
