// Peers: their offers, their datagrams, their end.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "broadcast/secrets.hpp"
#include "broadcast/switchboard_impl.hpp"

namespace hushcast::broadcast {
namespace {

constexpr std::size_t kSendBatch = 64;

/// Titles are made from the time: "2026-05-01 12:34".
std::string title(std::string_view started_at) {
    std::string text(started_at.substr(0, 16));
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

/// A binding success response (RFC 8489 section 5): the check before it was authentic.
bool accepts_check(const rtc::Outbox& outbox) {
    return !outbox.empty() && outbox[0].bytes.size() >= 2 && outbox[0].bytes[0] == 0x01 &&
           outbox[0].bytes[1] == 0x01;
}

}  // namespace

Result<Answer, Failure> Switchboard::Impl::answer(Time now,
                                                  Stream& stream,
                                                  std::string_view sdp,
                                                  bool publisher) {
    const auto offer = rtc::parse_offer(sdp);
    if (!offer) {
        return Failure{BroadcastError::BadOffer, std::string(rtc::describe(offer.error()))};
    }
    if (!rtc::fits(offer->direction, publisher)) {
        return Failure{BroadcastError::BadOffer,
                       std::string(rtc::describe(rtc::SdpError::WrongDirection))};
    }

    const rtc::IceCredentials credentials = random_ice_credentials();
    const rtc::DtlsRole role = rtc::answering_role(offer->setup);
    Leg leg;
    leg.id = LegId{++last_id_};
    leg.stream = stream.id;
    leg.publisher = publisher;
    leg.peer_id = random_uuid();
    leg.ufrag = credentials.ufrag;
    leg.payload_type = offer->opus_payload_type;
    // Chromium resends what it is asked for though it never offers to; who does not resend is soon
    // no longer waited for (docs/jitter-buffer.md). Only SAVPF has the packets to ask with.
    leg.nack = offer->nack || offer->sections[offer->audio_index].protocol.ends_with('F');
    leg.ssrc = random_u32();
    leg.transport = std::make_unique<rtc::Transport>(now, identity_, role, credentials, offer->ice,
                                                     offer->fingerprint);

    rtc::SdpAnswer description;
    description.ice = credentials;
    description.fingerprint = identity_.fingerprint();
    description.role = role;
    description.candidates = config_.candidates;
    description.receive = publisher;
    description.ssrc = leg.ssrc;
    description.stream_id = stream.session_id;
    description.cname = "hushcast";
    description.session_id = random_u32();

    if (publisher && stream.candidate) drop(now, *peers_.find(*stream.candidate));
    Leg& added = peers_.add(std::move(leg));
    stream.legs.insert(added.id);
    if (publisher) {
        stream.candidate = added.id;
    } else {
        ++stream.listeners;
        ++listeners_;
    }
    peers_.wake_at(added, added.transport->next_timeout());
    Answer result{rtc::write_answer(*offer, description), stream.session_id, added.peer_id};
    if (Leg* surplus = peers_.oldest_surplus()) drop(now, *surplus);
    return result;
}

bool Switchboard::Impl::hang_up(Time now, std::string_view peer_id) {
    now_ = now;
    Leg* leg = peers_.find_by_peer_id(peer_id);
    if (leg == nullptr || stream_of(*leg).closing) return false;
    if (leg->publisher) {
        end(now, stream_of(*leg), "hung up");
    } else {
        drop(now, *leg);
    }
    return true;
}

void Switchboard::Impl::on_datagram(Time now, const Path& from, Bytes datagram) {
    now_ = now;
    if (datagram.size() > rtc::kMaxDatagramBytes) return refuse(now);
    const rtc::PacketKind kind = rtc::classify(datagram);
    Leg* leg = nullptr;
    switch (kind) {
        case rtc::PacketKind::Rtp: return forward(now, from, false, datagram);
        case rtc::PacketKind::Rtcp: return forward(now, from, true, datagram);
        case rtc::PacketKind::Unknown: return refuse(now);
        case rtc::PacketKind::Dtls: leg = peers_.find_by_endpoint(from.remote); break;
        case rtc::PacketKind::Stun:
            if (const auto ufrag = rtc::stun_local_ufrag(datagram)) {
                leg = peers_.find_by_ufrag(*ufrag);
            }
            break;
    }
    if (leg == nullptr) return refuse(now);
    leg->transport->on_datagram(now, from, datagram, outbox_);
    if (kind == rtc::PacketKind::Stun && accepts_check(outbox_)) peers_.bind(*leg, from.remote);
    after(now, *leg);
}

void Switchboard::Impl::forward(Time now, const Path& from, bool rtcp, Bytes datagram) {
    const Leg* leg = peers_.find_by_endpoint(from.remote);
    if (leg == nullptr || !leg->announced) return refuse(now);
    loop_of(stream_of(*leg)).packet(Packet(leg->id, now, rtcp, datagram));
}

void Switchboard::Impl::refuse(Time now) {
    if (const auto suppressed = refused_log_.admit(now)) {
        log::debug("datagram_refused", {{"others", *suppressed}});
    }
}

/// What there is to do after a leg's transport has been given anything.
void Switchboard::Impl::after(Time now, Leg& leg) {
    send_outbox();
    switch (leg.transport->state()) {
        case rtc::TransportState::Connecting: break;
        case rtc::TransportState::Connected: connected(now, leg); break;
        case rtc::TransportState::Closed: return gone(now, leg, "the peer closed");
        case rtc::TransportState::Failed:
            // A publisher's stream goes on without it: media decides (S34), and a reload may bring
            // another leg before the time-out.
            log::info("leg_failed", {{"peer", leg.peer_id}, {"publisher", leg.publisher}});
            return drop(now, leg);
    }
    // A millisecond is no time for a transport, and keeps a clock that stands still from spinning.
    peers_.wake_at(leg,
                   std::max(leg.transport->next_timeout(), now + std::chrono::milliseconds(1)));
}

void Switchboard::Impl::connected(Time now, Leg& leg) {
    const rtc::Transport& transport = *leg.transport;
    Stream& stream = stream_of(leg);
    if (!transport.path() || leg.announced == transport.path() || stream.closing) return;
    const Path path = *transport.path();
    const bool first = !leg.announced;
    leg.announced = path;
    if (!first) return loop_of(stream).command(MoveLeg{leg.id, path});

    peers_.connected(leg);
    const rtc::SrtpKeys& keys = transport.keys();
    LegMedia media{.id = leg.id,
                   .path = path,
                   .sender = rtc::SrtpSender(keys.profile, keys.local),
                   .receiver = rtc::SrtpReceiver(keys.profile, keys.remote),
                   .payload_type = leg.payload_type};
    log::info("leg_connected", {{"name", stream.name},
                                {"peer", leg.peer_id},
                                {"publisher", leg.publisher},
                                {"address", log::redacted(path.remote.ip.to_string())}});
    if (!leg.publisher) {
        ++stream.hearing;
        loop_of(stream).command(AddListener{stream.id, std::move(media), leg.ssrc});
        return;
    }
    if (!std::exchange(stream.recorded, true)) {
        stream.shared.recording.open(recorder_.open({.session_id = stream.session_id,
                                                     .owner = stream.name,
                                                     .title = title(stream.started_at),
                                                     .started_at = stream.started_at,
                                                     .denoise = stream.denoise}));
    }
    stream.candidate.reset();
    const std::optional<LegId> replaced = std::exchange(stream.publisher, leg.id);
    loop_of(stream).command(SetPublisher{stream.id, std::move(media), leg.nack});
    if (replaced) drop(now, *peers_.find(*replaced));
}

/// The peer left of its own will.
void Switchboard::Impl::gone(Time now, Leg& leg, std::string_view reason) {
    Stream& stream = stream_of(leg);
    if (stream.publisher == leg.id && !stream.closing) end(now, stream, reason);
    drop(now, leg);
}

void Switchboard::Impl::drop(Time now, Leg& leg) {
    leg.transport->close(now, outbox_);
    send_outbox();
    Stream& stream = stream_of(leg);
    if (!leg.publisher) {
        --stream.listeners;
        --listeners_;
        if (leg.announced) --stream.hearing;
    }
    if (stream.publisher == leg.id) stream.publisher.reset();
    if (stream.candidate == leg.id) stream.candidate.reset();
    if (leg.announced && !stream.closing) loop_of(stream).command(RemoveLeg{leg.id});
    stream.legs.erase(leg.id);
    peers_.erase(leg.id);
}

void Switchboard::Impl::send_outbox() {
    std::array<OutgoingDatagram, kSendBatch> batch{};
    for (std::size_t sent = 0; sent < outbox_.size();) {
        const std::size_t count = std::min(outbox_.size() - sent, kSendBatch);
        for (std::size_t i = 0; i < count; ++i) {
            const rtc::Outbox::Datagram datagram = outbox_[sent + i];
            batch[i] = {datagram.path, datagram.bytes};
        }
        datagrams_.send(std::span(batch).first(count));
        sent += count;
    }
    outbox_.clear();
}

}  // namespace hushcast::broadcast
