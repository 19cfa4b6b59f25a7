// Every peer connection of the server and the four ways to find it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "broadcast/messages.hpp"
#include "rtc/transport.hpp"

namespace hushcast::broadcast {

/// One peer connection, seen from the control thread.
struct Leg {
    LegId id{};
    StreamId stream{};
    bool publisher = false;
    std::string peer_id;  ///< what the outside calls it
    std::string ufrag;    ///< ours
    std::uint8_t payload_type = 0;
    bool nack = false;
    std::uint32_t ssrc = 0;  ///< of what we send to a listener
    std::unique_ptr<rtc::Transport> transport;

    std::optional<Path> announced;   ///< the path the worker knows; empty before it is connected
    std::deque<Endpoint> endpoints;  ///< that its authenticated checks came from
    Time wake_up = kNever;           ///< earliest entry in the table's queue of deadlines
};

/// Strings are found by views without a copy.
struct StringHash {
    // NOLINTNEXTLINE(readability-identifier-naming): the standard library's name
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};
template <typename Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

/// One thread. Pointers stay valid until their leg is erased.
class PeerTable {
public:
    /// A phone between two networks has two or three addresses; more come from nothing honest.
    static constexpr std::size_t kMaxEndpoints = 8;
    /// Peers that have not finished their handshake: what an outsider may occupy without a proof of
    /// his address. The oldest makes room.
    static constexpr std::size_t kMaxPending = 1'000;

    Leg& add(Leg leg);
    void erase(LegId id);

    [[nodiscard]] Leg* find(LegId leg);
    [[nodiscard]] Leg* find_by_ufrag(std::string_view ufrag);
    [[nodiscard]] Leg* find_by_peer_id(std::string_view peer_id);
    [[nodiscard]] Leg* find_by_endpoint(const Endpoint& endpoint);
    [[nodiscard]] std::size_t size() const { return legs_.size(); }

    /// From now on datagrams from `endpoint` belong to the leg; its oldest endpoint but the one in
    /// use is forgotten when it has too many.
    void bind(Leg& leg, const Endpoint& endpoint);

    void connected(Leg& leg);
    /// The longest unconnected leg when there are too many of them.
    [[nodiscard]] Leg* oldest_surplus();

    /// Wakes the leg at that time or before.
    void wake_at(Leg& leg, Time time);
    /// A leg whose time has come; ask until it is null.
    [[nodiscard]] Leg* next_due(Time now);
    [[nodiscard]] Time next_wake_up() const;

private:
    struct Deadline {
        Time time{};
        LegId leg{};
        bool operator>(const Deadline& other) const { return time > other.time; }
    };

    void forget(const Leg& leg, const Endpoint& endpoint);

    std::unordered_map<LegId, std::unique_ptr<Leg>> legs_;
    StringMap<Leg*> by_ufrag_;
    StringMap<Leg*> by_peer_id_;
    std::unordered_map<Endpoint, Leg*> by_endpoint_;
    std::unordered_set<LegId> pending_;
    std::deque<LegId> pending_order_;
    std::priority_queue<Deadline, std::vector<Deadline>, std::greater<>> deadlines_;
};

}  // namespace hushcast::broadcast
