#include "rtc/ice_lite.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "rtc/stun.hpp"

namespace hushcast::rtc {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};
const IceCredentials kLocal{"serv", "0123456789abcdefghijkl"};
const Path kHome{{IpAddress::v4(198, 51, 100, 1), 4000}, IpAddress::v4(192, 0, 2, 1)};
const Path kMobile{{IpAddress::v4(203, 0, 113, 2), 5000}, IpAddress::v4(192, 0, 2, 1)};

struct Agent {
    IceLite ice{kStart, kLocal, "peer"};
    Outbox out;

    /// The answer's error code, 0 for success; nothing when there was none.
    std::optional<int> send(Time now, const Path& from, Bytes datagram) {
        out.clear();
        ice.on_datagram(now, from, datagram, out);
        if (out.empty()) return std::nullopt;
        EXPECT_EQ(out.size(), 1U);
        EXPECT_EQ(out[0].path, from) << "answers go where the question came from";
        const auto answer = parse_stun(out[0].bytes);
        EXPECT_TRUE(answer);
        if (!answer) return -1;
        return answer->kind == StunClass::Success ? 0 : answer->error_code.value_or(-1);
    }
    std::optional<int> check(Time now, const Path& from, bool nominate) {
        StunCheck check = valid();
        check.nominate = nominate;
        return send(now, from, write_check(check).bytes());
    }
    static StunCheck valid() {
        return {.transaction = {1, 2, 3},
                .username = "serv:peer",
                .password = kLocal.password,
                .priority = 1,
                .tie_breaker = 2};
    }
};

TEST(IceLite, AnswersAValidCheckWithTheAddressItSaw) {
    Agent agent;
    EXPECT_EQ(agent.check(kStart, kHome, false), 0);
    const auto answer = parse_stun(agent.out[0].bytes);
    EXPECT_EQ(answer->mapped_address, kHome.remote);
    EXPECT_EQ(answer->transaction, Agent::valid().transaction);
    EXPECT_TRUE(has_integrity(*answer, kLocal.password));
    EXPECT_EQ(agent.ice.path(), kHome);
}

TEST(IceLite, TakesTheFirstPathUntilOneIsNominated) {
    Agent agent;
    EXPECT_FALSE(agent.ice.path());
    agent.check(kStart, kHome, false);
    agent.check(kStart, kMobile, false);
    EXPECT_EQ(agent.ice.path(), kHome);
    agent.check(kStart, kMobile, true);
    EXPECT_EQ(agent.ice.path(), kMobile);
    agent.check(kStart, kHome, false);
    EXPECT_EQ(agent.ice.path(), kMobile) << "a check alone nominates nothing";
    agent.check(kStart, kHome, true);
    EXPECT_EQ(agent.ice.path(), kHome) << "the peer may change its mind";
}

TEST(IceLite, KnowsTheLastValidPathsAndNoMore) {
    Agent agent;
    EXPECT_FALSE(agent.ice.is_valid(kHome));
    agent.check(kStart, kHome, true);
    EXPECT_TRUE(agent.ice.is_valid(kHome));
    Path path = kMobile;
    for (int i = 0; i < 1000; ++i, ++path.remote.port) agent.check(kStart, path, false);
    --path.remote.port;
    EXPECT_TRUE(agent.ice.is_valid(path));
    path.remote.port = static_cast<std::uint16_t>(path.remote.port - IceLite::kMaxPaths);
    EXPECT_FALSE(agent.ice.is_valid(path));
    EXPECT_TRUE(agent.ice.is_valid(kHome)) << "the path in use is never forgotten";
}

TEST(IceLite, ExpiresWithoutChecks) {
    Agent agent;
    EXPECT_EQ(agent.ice.expires_at(), kStart + IceLite::kConnectTimeout);
    agent.check(kStart + 10s, kHome, true);
    EXPECT_EQ(agent.ice.expires_at(), kStart + 10s + IceLite::kConsentTimeout);
    StunCheck forged = Agent::valid();
    forged.password = "another password of 22";
    agent.send(kStart + 20s, kHome, write_check(forged).bytes());
    EXPECT_EQ(agent.ice.expires_at(), kStart + 10s + IceLite::kConsentTimeout);
}

TEST(IceLite, RefusesWhatIsNotAuthentic) {
    Agent agent;
    StunCheck wrong_password = Agent::valid();
    wrong_password.password = "0123456789abcdefghijkL";
    StunCheck wrong_ufrag = Agent::valid();
    wrong_ufrag.username = "serv:else";
    StunCheck swapped = Agent::valid();
    swapped.username = "peer:serv";
    for (const StunCheck& check : {wrong_password, wrong_ufrag, swapped}) {
        EXPECT_EQ(agent.send(kStart, kHome, write_check(check).bytes()), 401);
    }
    StunCheck unsigned_check = Agent::valid();
    unsigned_check.password = {};
    EXPECT_EQ(agent.send(kStart, kHome, write_check(unsigned_check).bytes()), 400);
    EXPECT_FALSE(agent.ice.path());
    EXPECT_FALSE(agent.ice.is_valid(kHome));
    EXPECT_EQ(agent.ice.expires_at(), kStart + IceLite::kConnectTimeout);
}

TEST(IceLite, NeverAnswersAStrangerWithMoreThanItSent) {
    // A bare request with a forged source would otherwise be a small amplifier.
    Agent agent;
    const std::vector<std::uint8_t> bare{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0,
                                         0, 0, 0, 0, 0,    0,    0,    0,    0, 0};
    ASSERT_TRUE(parse_stun(bare));
    EXPECT_FALSE(agent.send(kStart, kHome, bare));
    StunCheck check = Agent::valid();
    check.password = {};
    const StunPacket packet = write_check(check);
    ASSERT_TRUE(agent.send(kStart, kHome, packet.bytes()));
    EXPECT_LE(agent.out[0].bytes.size(), packet.bytes().size());
}

TEST(IceLite, IsAlwaysControlled) {
    Agent agent;
    StunCheck check = Agent::valid();
    check.controlling = false;
    EXPECT_EQ(agent.send(kStart, kHome, write_check(check).bytes()), 487);
    EXPECT_FALSE(agent.ice.path());
}

TEST(IceLite, NamesTheAttributesItDoesNotUnderstand) {
    // A valid check whose PRIORITY is renamed to 0x7f33, signed anew.
    Agent agent;
    const StunPacket packet = write_check(Agent::valid());
    std::vector<std::uint8_t> bytes(packet.bytes().begin(), packet.bytes().end() - 8);
    bytes[3] = static_cast<std::uint8_t>(bytes.size() - 20);
    bytes[20 + 4 + 12] = 0x7f;
    bytes[20 + 4 + 12 + 1] = 0x33;
    HMAC(EVP_sha1(), kLocal.password.data(), static_cast<int>(kLocal.password.size()), bytes.data(),
         bytes.size() - 24, bytes.data() + bytes.size() - 20, nullptr);
    ASSERT_EQ(agent.send(kStart, kHome, bytes), 420);
    EXPECT_TRUE(has_integrity(*parse_stun(agent.out[0].bytes), kLocal.password));
    const std::vector<std::uint8_t> named{0x00, 0x0a, 0x00, 0x02, 0x7f, 0x33, 0x00, 0x00};
    const Bytes answer = agent.out[0].bytes;
    EXPECT_NE(std::search(answer.begin(), answer.end(), named.begin(), named.end()), answer.end());
    EXPECT_FALSE(agent.ice.path());
}

TEST(IceLite, IgnoresEverythingThatIsNoRequest) {
    Agent agent;
    const StunPacket success = write_success({}, kHome.remote, kLocal.password);
    const StunPacket error = write_error({}, StunError::BadRequest, kLocal.password);
    EXPECT_FALSE(agent.send(kStart, kHome, success.bytes()));
    EXPECT_FALSE(agent.send(kStart, kHome, error.bytes()));
    EXPECT_FALSE(agent.send(kStart, kHome, {}));
    EXPECT_FALSE(agent.ice.path());
}

TEST(StunLocalUfrag, IsTheFirstHalfOfTheUserName) {
    StunCheck check = Agent::valid();
    const StunPacket packet = write_check(check);
    EXPECT_EQ(stun_local_ufrag(packet.bytes()), "serv");
    check.username = "nocolon";
    EXPECT_FALSE(stun_local_ufrag(write_check(check).bytes()));
    EXPECT_FALSE(stun_local_ufrag({}));
}

}  // namespace
}  // namespace hushcast::rtc
