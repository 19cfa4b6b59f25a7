#include "broadcast/peer_table.hpp"

#include <string>

#include <gtest/gtest.h>

namespace hushcast::broadcast {
namespace {

class PeerTableTest : public testing::Test {
protected:
    Leg& add(std::uint32_t id) {
        Leg leg;
        leg.id = LegId{id};
        leg.peer_id = "peer-" + std::to_string(id);
        leg.ufrag = "ufrag-" + std::to_string(id);
        return table_.add(std::move(leg));
    }
    static Endpoint endpoint(std::uint16_t port) { return {IpAddress::v4(192, 0, 2, 1), port}; }

    PeerTable table_;
    Time start_{std::chrono::hours(1)};
};

TEST_F(PeerTableTest, FindsALegInFourWaysUntilItIsErased) {
    Leg& leg = add(1);
    add(2);
    table_.bind(leg, endpoint(1000));
    EXPECT_EQ(table_.find(LegId{1}), &leg);
    EXPECT_EQ(table_.find_by_ufrag("ufrag-1"), &leg);
    EXPECT_EQ(table_.find_by_peer_id("peer-1"), &leg);
    EXPECT_EQ(table_.find_by_endpoint(endpoint(1000)), &leg);
    table_.erase(LegId{1});
    EXPECT_EQ(table_.find(LegId{1}), nullptr);
    EXPECT_EQ(table_.find_by_ufrag("ufrag-1"), nullptr);
    EXPECT_EQ(table_.find_by_peer_id("peer-1"), nullptr);
    EXPECT_EQ(table_.find_by_endpoint(endpoint(1000)), nullptr);
    EXPECT_EQ(table_.size(), 1U);
}

TEST_F(PeerTableTest, AnEndpointBelongsToWhomItWasBoundLast) {
    Leg& first = add(1);
    Leg& second = add(2);
    table_.bind(first, endpoint(1000));
    table_.bind(second, endpoint(1000));
    EXPECT_EQ(table_.find_by_endpoint(endpoint(1000)), &second);
    table_.erase(LegId{1});
    EXPECT_EQ(table_.find_by_endpoint(endpoint(1000)), &second);
}

TEST_F(PeerTableTest, ForgetsTheOldestOfTooManyEndpoints) {
    Leg& leg = add(1);
    for (std::uint16_t i = 0; i <= PeerTable::kMaxEndpoints; ++i) table_.bind(leg, endpoint(i));
    EXPECT_EQ(table_.find_by_endpoint(endpoint(0)), nullptr);
    EXPECT_EQ(table_.find_by_endpoint(endpoint(1)), &leg);
    EXPECT_EQ(leg.endpoints.size(), PeerTable::kMaxEndpoints);
}

TEST_F(PeerTableTest, TheOldestPendingLegMakesRoom) {
    for (std::uint32_t id = 1; id <= PeerTable::kMaxPending + 1; ++id) add(id);
    ASSERT_NE(table_.oldest_surplus(), nullptr);
    EXPECT_EQ(table_.oldest_surplus()->id, LegId{1});
    table_.connected(*table_.find(LegId{1}));
    EXPECT_EQ(table_.oldest_surplus(), nullptr);
    add(5'000);
    EXPECT_EQ(table_.oldest_surplus()->id, LegId{2});
    table_.erase(LegId{2});
    EXPECT_EQ(table_.oldest_surplus(), nullptr);
}

TEST_F(PeerTableTest, WakesLegsInOrderAndOnlyAtTheirEarliestTime) {
    using std::chrono::seconds;
    Leg& first = add(1);
    Leg& second = add(2);
    table_.wake_at(first, start_ + seconds(9));
    table_.wake_at(first, start_ + seconds(3));
    table_.wake_at(first, start_ + seconds(5));
    table_.wake_at(second, start_ + seconds(2));
    EXPECT_EQ(table_.next_wake_up(), start_ + seconds(2));
    EXPECT_EQ(table_.next_due(start_ + seconds(1)), nullptr);
    EXPECT_EQ(table_.next_due(start_ + seconds(4)), &second);
    EXPECT_EQ(table_.next_due(start_ + seconds(4)), &first);
    EXPECT_EQ(table_.next_due(start_ + seconds(20)), nullptr);
    EXPECT_EQ(table_.next_wake_up(), kNever);
}

TEST_F(PeerTableTest, AnErasedLegNeverWakes) {
    table_.wake_at(add(1), start_);
    table_.erase(LegId{1});
    EXPECT_EQ(table_.next_due(start_), nullptr);
}

}  // namespace
}  // namespace hushcast::broadcast
