#include "sim/fake_network.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hushcast::sim {

FakeNetwork::FakeNetwork(std::uint32_t seed, LinkConditions conditions)
    : conditions_(conditions), random_(seed) {}

void FakeNetwork::attach(const Endpoint& endpoint, Node& node) {
    endpoints_[endpoint] = &node;
    if (std::find(nodes_.begin(), nodes_.end(), &node) == nodes_.end()) nodes_.push_back(&node);
}

void FakeNetwork::detach(const Node& node) {
    std::erase_if(endpoints_, [&](const auto& entry) { return entry.second == &node; });
    std::erase(nodes_, &node);
}

void FakeNetwork::send(const Endpoint& from, const Endpoint& to, Bytes datagram) {
    const int copies = chance(conditions_.duplicate) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        if (chance(conditions_.loss)) {
            ++lost_;
            continue;
        }
        const double spread = std::uniform_real_distribution<>(0, 1)(random_);
        const auto jitter = std::chrono::duration_cast<Duration>(conditions_.jitter * spread);
        under_way_.emplace(now_ + conditions_.delay + jitter,
                           Delivery{from, to, {datagram.begin(), datagram.end()}});
    }
}

void FakeNetwork::run_until(Time end) {
    for (Time next = next_event(); next <= end; next = next_event()) step(next);
    now_ = std::max(now_, end);
}

bool FakeNetwork::run_until(const std::function<bool()>& done, Duration limit) {
    const Time end = now_ + limit;
    while (!done()) {
        const Time next = next_event();
        if (next > end) {
            now_ = end;
            return false;
        }
        step(next);
    }
    return true;
}

Time FakeNetwork::next_event() const {
    Time next = under_way_.empty() ? kNever : under_way_.begin()->first;
    for (const Node* node : nodes_) next = std::min(next, node->next_timeout());
    return next == kNever ? kNever : std::max(next, now_);
}

void FakeNetwork::step(Time at) {
    now_ = at;
    if (!under_way_.empty() && under_way_.begin()->first <= at) {
        const Delivery delivery = std::move(under_way_.extract(under_way_.begin()).mapped());
        const auto target = endpoints_.find(delivery.to);
        if (target == endpoints_.end()) {
            ++lost_;
            return;
        }
        ++delivered_;
        target->second->on_datagram(at, Path{delivery.from, delivery.to.ip}, delivery.bytes);
        return;
    }
    // A copy: a node may detach itself or others.
    for (Node* node : std::vector<Node*>(nodes_)) {
        if (std::find(nodes_.begin(), nodes_.end(), node) == nodes_.end()) continue;
        if (node->next_timeout() > at) continue;
        node->on_timeout(at);
        if (node->next_timeout() <= at) throw std::logic_error("a node's timer does not move on");
    }
}

bool FakeNetwork::chance(double probability) {
    return probability > 0 && std::uniform_real_distribution<>(0, 1)(random_) < probability;
}

}  // namespace hushcast::sim
