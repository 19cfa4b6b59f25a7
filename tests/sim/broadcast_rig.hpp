// A server and the people around it on a fake network, all in virtual time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "broadcast/switchboard.hpp"
#include "broadcast/test_doubles.hpp"
#include "media/opus_codec.hpp"
#include "rtc/dtls.hpp"
#include "sim/fake_network.hpp"
#include "sim/rtc_peer.hpp"

namespace hushcast::sim {

/// Made once for all peers of all tests: a key costs more than a test.
const rtc::DtlsIdentity& peer_identity();

inline Endpoint server_endpoint() { return {IpAddress::v4(192, 0, 2, 1), 8000}; }
Endpoint peer_endpoint(std::uint32_t number);

/// The switchboard with one worker that ticks in virtual time.
class ServerNode final : public Node, public broadcast::DatagramSink {
public:
    explicit ServerNode(FakeNetwork& network, std::size_t denoiser_delay_samples = 1'440);
    ~ServerNode() override;

    [[nodiscard]] broadcast::Switchboard& board() { return *board_; }
    [[nodiscard]] broadcast::MemoryRecorder& recorder() { return recorder_; }

    void on_datagram(Time now, const Path& from, Bytes datagram) override;
    void on_timeout(Time now) override;
    [[nodiscard]] Time next_timeout() const override;
    void send(std::span<const broadcast::OutgoingDatagram> batch) noexcept override;

private:
    FakeNetwork& network_;
    broadcast::MemoryRecorder recorder_;
    Time next_tick_;
    std::unique_ptr<broadcast::Switchboard> board_;
};

/// A browser that speaks: 20 ms packets of a seeded sound, for as long as it is connected.
class Microphone final : public Node {
public:
    static constexpr std::size_t kPacketSamples = 960;

    Microphone(FakeNetwork& network, std::uint32_t number);
    ~Microphone() override;

    RtcPeer peer;
    double loss = 0;                                   ///< of its packets, on top of the network's
    bool resends = false;                              ///< what it is asked for again
    std::vector<float> spoken{};                       ///< all samples since `began`
    std::vector<std::vector<std::uint8_t>> packets{};  ///< all payloads
    Time began{};

    void on_datagram(Time /*now*/, const Path& /*from*/, Bytes /*datagram*/) override {}
    void on_timeout(Time now) override;
    [[nodiscard]] Time next_timeout() const override { return next_packet_; }

private:
    FakeNetwork& network_;
    std::mt19937 random_;
    media::Encoder encoder_;
    Time next_packet_;
    std::uint16_t sequence_ = 0;
    std::uint32_t timestamp_ = 0;
    float coloured_ = 0;
};

/// A browser that listens and decodes.
class Listener {
public:
    struct Piece {
        Time arrival;
        std::uint16_t sequence;
        std::uint32_t timestamp;
        std::vector<float> samples;
    };

    Listener(FakeNetwork& network, std::uint32_t number);

    RtcPeer peer;
    double loss = 0;
    std::vector<Piece> pieces{};  ///< in order of arrival
    std::size_t goodbyes = 0;

private:
    std::mt19937 random_;
    media::Decoder decoder_;
};

}  // namespace hushcast::sim
