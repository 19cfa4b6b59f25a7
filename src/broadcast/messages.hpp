// What the control thread and a media worker tell each other.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "rtc/rtp.hpp"
#include "rtc/srtp.hpp"

namespace hushcast::broadcast {

class MediaStream;

enum class StreamId : std::uint32_t {};
/// One peer connection: a publisher's or a listener's. Never used twice while the server runs.
enum class LegId : std::uint32_t {};

/// A datagram of RTP or RTCP from a known address, still encrypted. Moving one copies only the
/// bytes in use.
class Packet {
public:
    Packet() = default;
    /// @param bytes  at most rtc::kMaxDatagramBytes.
    Packet(LegId leg, Time arrival, bool rtcp, Bytes bytes)
        : leg_(leg), arrival_(arrival), rtcp_(rtcp), size_(bytes.size()) {
        std::copy(bytes.begin(), bytes.end(), data_.begin());
    }
    Packet(Packet&& other) noexcept { *this = std::move(other); }
    Packet& operator=(Packet&& other) noexcept {
        leg_ = other.leg_;
        arrival_ = other.arrival_;
        rtcp_ = other.rtcp_;
        size_ = other.size_;
        std::copy_n(other.data_.begin(), size_, data_.begin());
        return *this;
    }

    [[nodiscard]] LegId leg() const { return leg_; }
    [[nodiscard]] Time arrival() const { return arrival_; }
    [[nodiscard]] bool rtcp() const { return rtcp_; }
    [[nodiscard]] MutableBytes bytes() { return MutableBytes(data_).first(size_); }

private:
    LegId leg_{};
    Time arrival_{};
    bool rtcp_ = false;
    std::size_t size_ = 0;
    std::array<std::uint8_t, rtc::kMaxDatagramBytes> data_{};
};

/// The media side of a connected leg. The ciphers are made on the control thread, so that a
/// newcomer's key schedule delays no tick.
struct LegMedia {
    LegId id{};
    Path path;
    rtc::SrtpSender sender;
    rtc::SrtpReceiver receiver;
    std::uint8_t payload_type = 0;  ///< of Opus, as the peer's offer named it
};

// --- control to worker ------------------------------------------------------------------------

struct AddStream {
    std::unique_ptr<MediaStream> stream;
};
/// The publisher's first leg, or the one that replaces it after a reload or a change of network.
struct SetPublisher {
    StreamId stream{};
    LegMedia leg;
    bool nack = false;  ///< it resends what is asked for
};
struct AddListener {
    StreamId stream{};
    LegMedia leg;
    std::uint32_t ssrc = 0;  ///< of what it is sent
};
struct MoveLeg {
    LegId leg{};
    Path path;
};
/// A listener or a publisher's leg; the stream goes on.
struct RemoveLeg {
    LegId leg{};
};
struct ChangeSettings {
    StreamId stream{};
    bool denoise = true;
    float attenuation_limit_db = 100;
};
/// Says goodbye to everyone and answers with Event::Kind::StreamClosed.
struct RemoveStream {
    StreamId stream{};
};

using Command = std::variant<std::monostate,
                             AddStream,
                             SetPublisher,
                             AddListener,
                             MoveLeg,
                             RemoveLeg,
                             ChangeSettings,
                             RemoveStream>;

// --- worker to control ------------------------------------------------------------------------

struct Event {
    enum class Kind {
        LegSaidGoodbye,  ///< by RTCP; `leg`
        StreamClosed,  ///< the worker has forgotten `stream`; `remains` is freed where it was made
    };
    Kind kind = Kind::LegSaidGoodbye;
    LegId leg{};
    StreamId stream{};
    std::unique_ptr<MediaStream> remains{};
};

}  // namespace hushcast::broadcast
