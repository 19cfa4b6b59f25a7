#include "sim/broadcast_rig.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "broadcast/media_loop.hpp"
#include "rtc/rtcp.hpp"

namespace hushcast::sim {
namespace {

/// Timers of nodes without datagrams; nobody sends there.
Endpoint timer_endpoint(std::uint32_t number) {
    return {IpAddress::v4(203, 0, 113, 1), static_cast<std::uint16_t>(number)};
}

}  // namespace

const rtc::DtlsIdentity& peer_identity() {
    static const rtc::DtlsIdentity kIdentity;
    return kIdentity;
}

Endpoint peer_endpoint(std::uint32_t number) {
    return {IpAddress::v4(198, 51, 100, 7), static_cast<std::uint16_t>(20'000 + number)};
}

ServerNode::ServerNode(FakeNetwork& network, std::size_t denoiser_delay_samples)
    : network_(network), next_tick_(network.now() + broadcast::MediaLoop::kTick) {
    broadcast::SwitchboardConfig config;
    config.candidates = {server_endpoint()};
    config.workers = 1;
    config.own_threads = false;
    config.wall_clock = [](Time now) {
        const auto passed = now - FakeNetwork::kStart;
        return std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000)) +
               std::chrono::duration_cast<std::chrono::system_clock::duration>(passed);
    };
    config.make_denoiser = [denoiser_delay_samples] {
        return std::make_unique<broadcast::DelayDenoiser>(denoiser_delay_samples);
    };
    board_ = std::make_unique<broadcast::Switchboard>(std::move(config), *this, recorder_);
    network_.attach(server_endpoint(), *this);
}

ServerNode::~ServerNode() {
    board_.reset();
    network_.detach(*this);
}

void ServerNode::on_datagram(Time now, const Path& from, Bytes datagram) {
    board_->on_datagram(now, from, datagram);
}

void ServerNode::on_timeout(Time now) {
    if (board_->next_timeout() <= now) board_->on_timeout(now);
    if (next_tick_ > now) return;
    board_->tick_workers(now);
    next_tick_ += broadcast::MediaLoop::kTick;
}

Time ServerNode::next_timeout() const { return std::min(board_->next_timeout(), next_tick_); }

void ServerNode::send(std::span<const broadcast::OutgoingDatagram> batch) noexcept {
    for (const auto& each : batch) {
        network_.send(server_endpoint(), each.path.remote, each.bytes);
    }
}

Microphone::Microphone(FakeNetwork& network, std::uint32_t number)
    : peer(network, peer_identity(), {.address = peer_endpoint(number), .seed = number}),
      network_(network),
      random_(number),
      encoder_({.bitrate_bps = 128'000}),
      next_packet_(network.now() + std::chrono::milliseconds(3)) {
    network_.attach(timer_endpoint(number), *this);
    peer.on_rtcp = [this](Time /*now*/, Bytes bytes) {
        const auto packet = rtc::parse_rtcp(bytes);
        if (!packet || !resends) return;
        for (const std::uint16_t sequence : packet->nacks) {
            if (sequence >= packets.size()) continue;
            const auto timestamp = static_cast<std::uint32_t>(sequence * kPacketSamples);
            peer.send_opus(sequence, timestamp, packets[sequence]);
        }
    };
}

Microphone::~Microphone() { network_.detach(*this); }

void Microphone::on_timeout(Time now) {
    next_packet_ = now + std::chrono::milliseconds(20);
    if (peer.state() != RtcPeer::State::Connected) return;
    if (spoken.empty()) began = now;
    std::array<float, kPacketSamples> pcm{};
    std::uniform_real_distribution<float> white(-0.5F, 0.5F);
    for (float& sample : pcm) {
        // A tone under noise that falls with frequency: what a codec keeps, and what has one best
        // alignment.
        coloured_ += 0.2F * (white(random_) - coloured_);
        const auto place = static_cast<float>(spoken.size() % 48'000);
        sample = coloured_ + 0.1F * std::sin(place * 0.0576F);
        spoken.push_back(sample);
    }
    std::array<std::uint8_t, media::kMaxPayloadBytes> payload{};
    const std::size_t size = encoder_.encode(pcm, payload);
    packets.emplace_back(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
    const bool lost = std::uniform_real_distribution<>(0, 1)(random_) < loss;
    if (!lost) peer.send_opus(sequence_, timestamp_, packets.back());
    ++sequence_;
    timestamp_ += kPacketSamples;
}

Listener::Listener(FakeNetwork& network, std::uint32_t number)
    : peer(network,
           peer_identity(),
           {.address = peer_endpoint(number), .publish = false, .seed = number}),
      random_(number) {
    peer.on_rtp = [this](Time now, const rtc::RtpPacket& packet) {
        if (std::uniform_real_distribution<>(0, 1)(random_) < loss) return;
        std::vector<float> samples(media::kMaxPacketSamples);
        samples.resize(decoder_.decode(packet.payload, samples));
        pieces.push_back({now, packet.sequence, packet.timestamp, std::move(samples)});
    };
    peer.on_rtcp = [this](Time /*now*/, Bytes bytes) {
        if (const auto packet = rtc::parse_rtcp(bytes)) goodbyes += packet->goodbyes.size();
    };
}

}  // namespace hushcast::sim
