// One UDP port for every peer: received in batches, sent from any thread with sendmmsg.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/event_loop.hpp"

namespace hushcast::net {

/// An Ethernet frame's worth: no peer of ours sends more, and STUN, DTLS and RTP all stay below.
inline constexpr std::size_t kMaxDatagramBytes = 1500;

struct Datagram {
    Path path;
    Bytes bytes;
};

class UdpPort {
public:
    struct Counters {
        std::atomic<std::uint64_t> received{0};
        std::atomic<std::uint64_t> sent{0};
        std::atomic<std::uint64_t> refused{0};    ///< the kernel would not take them
        std::atomic<std::uint64_t> oversized{0};  ///< arrived longer than kMaxDatagramBytes
    };
    /// Called on the loop's thread, at most a batch at a time; `Time` is when the kernel got it.
    using Handler = std::function<void(Time, const Path&, MutableBytes)>;

    /// One socket: for IPv4 and IPv6 at once when `listen` is [::], for one family otherwise. Port
    /// 0 takes a free one. Gives a sentence when the port cannot be opened.
    static Result<std::unique_ptr<UdpPort>, std::string> open(EventLoop& loop,
                                                              const Endpoint& listen);
    /// After EventLoop::run() has returned, and when no thread sends any more.
    ~UdpPort();

    /// Call once.
    void start(Handler handler);
    /// Thread-safe, never blocks.
    void send(std::span<const Datagram> batch) noexcept;

    [[nodiscard]] const Endpoint& local() const;
    [[nodiscard]] const Counters& counters() const;

private:
    struct Impl;
    explicit UdpPort(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Addresses of this machine a peer could reach, best first: global before private before
/// link-local; loopback only when there is nothing else.
std::vector<IpAddress> local_addresses();

}  // namespace hushcast::net
