// A network in virtual time: nodes, endpoints, and a seeded link between them that delays,
// reorders, duplicates and loses. A test that runs on it gives the same result on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <vector>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/time.hpp"

namespace hushcast::sim {

/// Something with a clock of its own and a door for datagrams.
class Node {
public:
    Node() = default;
    virtual ~Node() = default;
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    /// @param from  remote: who sent it; local: the address it was sent to
    virtual void on_datagram(Time now, const Path& from, Bytes datagram) = 0;
    virtual void on_timeout(Time now) = 0;
    [[nodiscard]] virtual Time next_timeout() const = 0;
};

/// What happens on the way; the same in both directions.
struct LinkConditions {
    Duration delay = std::chrono::milliseconds(10);
    Duration jitter{};     ///< added to the delay, uniform in [0, jitter]: what reorders
    double loss = 0;       ///< probability in [0, 1]
    double duplicate = 0;  ///< probability in [0, 1]
};

class FakeNetwork {
public:
    /// Virtual time starts here, far enough from zero that subtracting from it is no surprise.
    static constexpr Time kStart{std::chrono::hours(1)};

    explicit FakeNetwork(std::uint32_t seed, LinkConditions conditions = {});

    [[nodiscard]] Time now() const { return now_; }
    [[nodiscard]] std::uint64_t delivered() const { return delivered_; }
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

    /// From now on; datagrams under way keep the fate they were given.
    void set_conditions(LinkConditions conditions) { conditions_ = conditions; }

    /// The node takes what is sent to the endpoint; it may have several and must outlive the
    /// network or be detached.
    void attach(const Endpoint& endpoint, Node& node);
    /// Takes the node off all its endpoints.
    void detach(const Node& node);

    /// Datagrams to an endpoint that nobody holds are lost.
    void send(const Endpoint& from, const Endpoint& to, Bytes datagram);

    /// Delivers datagrams and fires timers in order of time, up to and including `end`; the time is
    /// `end` afterwards.
    void run_until(Time end);
    void run_for(Duration duration) { run_until(now_ + duration); }
    /// As soon as `done` holds, at most for `limit`; whether it did. Asked after every event.
    bool run_until(const std::function<bool()>& done, Duration limit);

private:
    struct Delivery {
        Endpoint from;
        Endpoint to;
        std::vector<std::uint8_t> bytes;
    };

    [[nodiscard]] Time next_event() const;
    void step(Time at);
    bool chance(double probability);

    Time now_ = kStart;
    LinkConditions conditions_;
    std::mt19937 random_;
    std::map<Endpoint, Node*> endpoints_;
    std::vector<Node*>
        nodes_;  ///< each once, in the order they came: the order their timers fire in
    std::multimap<Time, Delivery> under_way_;
    std::uint64_t delivered_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace hushcast::sim
