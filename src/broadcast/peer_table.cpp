#include "broadcast/peer_table.hpp"

#include <algorithm>
#include <utility>

namespace hushcast::broadcast {
namespace {

template <typename Map, typename Key>
Leg* look_up(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &*found->second;
}

}  // namespace

Leg& PeerTable::add(Leg leg) {
    auto owned = std::make_unique<Leg>(std::move(leg));
    Leg& added = *owned;
    by_ufrag_.emplace(added.ufrag, &added);
    by_peer_id_.emplace(added.peer_id, &added);
    pending_.insert(added.id);
    pending_order_.push_back(added.id);
    legs_.emplace(added.id, std::move(owned));
    return added;
}

void PeerTable::erase(LegId id) {
    const auto found = legs_.find(id);
    if (found == legs_.end()) return;
    const Leg& leg = *found->second;
    for (const Endpoint& endpoint : leg.endpoints) forget(leg, endpoint);
    by_ufrag_.erase(leg.ufrag);
    by_peer_id_.erase(leg.peer_id);
    pending_.erase(id);
    legs_.erase(found);
}

Leg* PeerTable::find(LegId leg) { return look_up(legs_, leg); }
Leg* PeerTable::find_by_ufrag(std::string_view ufrag) { return look_up(by_ufrag_, ufrag); }
Leg* PeerTable::find_by_peer_id(std::string_view peer_id) { return look_up(by_peer_id_, peer_id); }
Leg* PeerTable::find_by_endpoint(const Endpoint& endpoint) {
    return look_up(by_endpoint_, endpoint);
}

void PeerTable::bind(Leg& leg, const Endpoint& endpoint) {
    Leg*& owner = by_endpoint_[endpoint];
    if (owner == &leg) return;
    // Another peer had this address before: a home router hands its ports on.
    if (owner != nullptr) std::erase(owner->endpoints, endpoint);
    owner = &leg;
    leg.endpoints.push_back(endpoint);
    if (leg.endpoints.size() <= kMaxEndpoints) return;
    const auto in_use = leg.transport ? leg.transport->path() : std::nullopt;
    const auto oldest =
        std::find_if(leg.endpoints.begin(), leg.endpoints.end(),
                     [&](const Endpoint& each) { return !in_use || each != in_use->remote; });
    forget(leg, *oldest);
    leg.endpoints.erase(oldest);
}

void PeerTable::forget(const Leg& leg, const Endpoint& endpoint) {
    const auto found = by_endpoint_.find(endpoint);
    if (found != by_endpoint_.end() && found->second == &leg) by_endpoint_.erase(found);
}

void PeerTable::connected(Leg& leg) { pending_.erase(leg.id); }

Leg* PeerTable::oldest_surplus() {
    while (!pending_order_.empty() && !pending_.contains(pending_order_.front())) {
        pending_order_.pop_front();
    }
    return pending_.size() > kMaxPending ? find(pending_order_.front()) : nullptr;
}

void PeerTable::wake_at(Leg& leg, Time time) {
    // A deadline that moved further away is found out when the earlier one fires.
    if (time >= leg.wake_up) return;
    leg.wake_up = time;
    deadlines_.push({time, leg.id});
}

Leg* PeerTable::next_due(Time now) {
    while (!deadlines_.empty() && deadlines_.top().time <= now) {
        const Deadline due = deadlines_.top();
        deadlines_.pop();
        Leg* leg = find(due.leg);
        if (leg == nullptr || leg->wake_up != due.time) continue;
        leg->wake_up = kNever;
        return leg;
    }
    return nullptr;
}

Time PeerTable::next_wake_up() const { return deadlines_.empty() ? kNever : deadlines_.top().time; }

}  // namespace hushcast::broadcast
