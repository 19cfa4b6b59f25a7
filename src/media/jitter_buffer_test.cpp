#include "media/jitter_buffer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "media/opus_codec.hpp"

namespace hushcast::media {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = PlayoutStep::Kind;
using Payload = std::vector<std::uint8_t>;

constexpr Time kStart = Time{} + seconds(1'000);
constexpr Duration kTick = milliseconds(10);

/// A CELT packet of that length; the jitter buffer looks at the first bytes only.
Payload packet_of(std::size_t samples) {
    switch (samples) {
        case 120: return {28 << 3, 1, 2, 3};
        case 480: return {30 << 3, 1, 2, 3};
        case 1920: return {31 << 3 | 1, 1, 2, 3, 4};
        case 2880: return {31 << 3 | 3, 3, 1, 2, 3};
        case 5760: return {31 << 3 | 3, 6, 1, 2, 3, 4, 5, 6};
        default: return {31 << 3, 1, 2, 3};
    }
}
Payload packet_with_fec() { return {9 << 3, 0x40, 1, 2}; }
Payload dtx_packet() { return {31 << 3}; }

struct Sent {
    Duration at{};  ///< end of its sound on the publisher's clock, since the start
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    Payload payload;
};

/// What the network makes of the n-th packet: when it arrives after `at`, or nothing.
using Network = std::function<std::optional<Duration>(std::size_t)>;

/// A publisher whose numbers wrap soon.
std::vector<Sent> stream(Duration length, std::size_t samples = 960, double pace = 1.0) {
    std::vector<Sent> sent;
    std::uint16_t sequence = 65'500;
    std::uint32_t timestamp = 0xFFFF'0000U;
    double at_samples = 0;
    while (true) {
        at_samples += static_cast<double>(samples);
        const auto at = duration_cast<Duration>(
            std::chrono::duration<double>(at_samples / kSampleRateHz * pace));
        if (at > length) return sent;
        sent.push_back({at, sequence++, timestamp, packet_of(samples)});
        timestamp += static_cast<std::uint32_t>(samples);
    }
}

/// Runs packets through a buffer that is served every 10 ms, and keeps account of what came out.
class Simulation {
public:
    explicit Simulation(const JitterBuffer::Settings& settings = {}) : buffer(settings) {}

    void send(const std::vector<Sent>& packets, const Network& network) {
        for (std::size_t i = 0; i < packets.size(); ++i) {
            by_sequence[packets[i].sequence] = packets[i];
            if (const auto delay = network(i)) {
                arrivals.emplace(kStart + packets[i].at + *delay, packets[i]);
            }
        }
    }

    void run_until(Duration end) {
        for (; now <= kStart + end; now += kTick) {
            for (auto it = arrivals.begin(); it != arrivals.end() && it->first <= now;
                 it = arrivals.erase(it)) {
                buffer.insert(it->first, it->second.sequence, it->second.timestamp,
                              it->second.payload);
            }
            if (resend) ask();
            serve();
        }
    }

    void serve() {
        for (int budget = 6; budget > 0; --budget) {
            const auto step = buffer.pop(now);
            if (!step) return;
            ASSERT_GE(step->samples, 1U);
            ASSERT_LE(step->skip + step->samples, kMaxPacketSamples);
            ASSERT_EQ(step->payload.empty(),
                      step->kind == Kind::Conceal || step->kind == Kind::Comfort);
            samples += step->samples;
            by_kind[step->kind] += step->samples;
            kinds.push_back(step->kind);
            if (step->kind == Kind::Packet) {
                // Where its sound ends on the time line tells when it could have come at best.
                const auto ideal = kStart + duration_cast<Duration>(std::chrono::duration<double>(
                                                static_cast<double>(samples) / kSampleRateHz));
                added.push_back(now - ideal);
            }
        }
    }

    void ask() {
        std::array<std::uint16_t, 64> wanted{};
        const std::size_t count = buffer.missing(now, 2 * one_way, wanted);
        for (std::size_t i = 0; i < count; ++i) {
            ++asked;
            ++asks_of[wanted[i]];
            if (resend(wanted[i])) arrivals.emplace(now + 2 * one_way, by_sequence.at(wanted[i]));
        }
    }

    [[nodiscard]] Duration worst_delay() const { return *std::ranges::max_element(added); }
    [[nodiscard]] Duration mean_delay() const {
        Duration sum{};
        for (const Duration each : added) sum += each;
        return sum / static_cast<std::int64_t>(added.size());
    }

    JitterBuffer buffer;
    Time now = kStart;
    std::multimap<Time, Sent> arrivals;
    std::map<std::uint16_t, Sent> by_sequence;
    std::function<bool(std::uint16_t)> resend;
    Duration one_way = milliseconds(10);
    std::size_t asked = 0;
    std::map<std::uint16_t, int> asks_of;

    std::size_t samples = 0;
    std::map<Kind, std::size_t> by_kind;
    std::vector<Kind> kinds;
    std::vector<Duration> added;
};

Network steady() {
    return [](std::size_t) { return Duration::zero(); };
}

TEST(JitterBuffer, CleanStreamPassesWithoutDelay) {
    Simulation simulation;
    simulation.send(stream(seconds(20)), steady());
    simulation.run_until(seconds(20));
    EXPECT_EQ(simulation.samples, 20U * 48'000);
    EXPECT_THAT(simulation.kinds, testing::Each(Kind::Packet));
    EXPECT_LE(simulation.worst_delay(), microseconds(1)) << "out in the tick that it came in";
    EXPECT_LE(simulation.buffer.stats().playout_delay, microseconds(1));
}

TEST(JitterBuffer, EveryDurationPassesAndTheyMayChange) {
    for (const std::size_t length : {120U, 480U, 1920U, 2880U, 5760U}) {
        Simulation simulation;
        simulation.send(stream(seconds(6), length), steady());
        simulation.run_until(seconds(7));
        EXPECT_GE(simulation.by_kind[Kind::Packet], 6U * 48'000 - length);
        EXPECT_EQ(simulation.by_kind.count(Kind::Comfort), 0U);
    }

    Simulation simulation;
    std::vector<Sent> mixed;
    std::uint32_t timestamp = 0;
    for (std::uint16_t i = 0; i < 400; ++i) {
        const std::size_t samples = std::array{480U, 960U, 1920U, 2880U, 120U, 5760U}.at(i / 7 % 6);
        timestamp += static_cast<std::uint32_t>(samples);
        mixed.push_back({microseconds(timestamp * 125 / 6), i,
                         timestamp - static_cast<std::uint32_t>(samples), packet_of(samples)});
    }
    simulation.send(mixed, steady());
    simulation.run_until(mixed.back().at + milliseconds(10));
    EXPECT_EQ(simulation.samples, timestamp);
    EXPECT_THAT(simulation.kinds, testing::Each(Kind::Packet));
}

TEST(JitterBuffer, JitterInOrderNeverConceals) {
    std::mt19937 random(1);
    std::exponential_distribution<double> wait(1.0 / 25.0);
    Time last{};
    const auto sent = stream(seconds(60));
    Simulation simulation;
    simulation.send(sent, [&](std::size_t i) {
        // A queue: who comes later leaves later.
        const Time arrival = std::max(
            last, kStart + sent[i].at + microseconds(static_cast<int>(wait(random) * 1'000)));
        last = arrival;
        return std::optional<Duration>(arrival - (kStart + sent[i].at));
    });
    simulation.run_until(milliseconds(60'150));
    EXPECT_THAT(simulation.kinds, testing::Each(Kind::Packet));
    EXPECT_EQ(simulation.by_kind[Kind::Packet], sent.size() * 960);
    EXPECT_LT(simulation.mean_delay(), milliseconds(60)) << "the network's own and half a tick";
}

TEST(JitterBuffer, ReorderingJitterConcealsOnlyUntilItIsKnown) {
    for (const int spread_ms : {30, 60, 120}) {
        std::mt19937 random(2);
        std::uniform_int_distribution<int> wait(0, spread_ms * 1'000);
        Simulation simulation;
        const auto sent = stream(seconds(60));
        simulation.send(
            sent, [&](std::size_t) { return std::optional<Duration>(microseconds(wait(random))); });
        simulation.run_until(seconds(60));
        const auto& stats = simulation.buffer.stats();
        EXPECT_LT(static_cast<double>(stats.concealed), 0.004 * static_cast<double>(sent.size()))
            << spread_ms;
        EXPECT_LE(simulation.worst_delay(), milliseconds(3 * spread_ms) + kTick);
        EXPECT_LE(simulation.mean_delay(), milliseconds(spread_ms) + kTick);
        EXPECT_GT(stats.reordered, spread_ms > 30 ? 100U : 10U);
    }
}

TEST(JitterBuffer, StallThenBurstLosesNothing) {
    const auto sent = stream(seconds(10));
    Simulation simulation;
    // The radio is gone from 4.0 s to 4.2 s, then everything comes at once.
    simulation.send(sent, [&](std::size_t i) {
        const Duration at = sent[i].at;
        const bool stalled = at > seconds(4) && at < milliseconds(4'200);
        return std::optional<Duration>(stalled ? milliseconds(4'200) - at : Duration::zero());
    });
    simulation.run_until(seconds(10));
    EXPECT_EQ(simulation.samples, sent.size() * 960);
    EXPECT_THAT(simulation.kinds, testing::Each(Kind::Packet));
    EXPECT_LE(simulation.added.back(), microseconds(1)) << "no delay stays behind";
}

TEST(JitterBuffer, LongerStallsAreLearned) {
    const auto sent = stream(seconds(60));
    Simulation simulation;
    // 300 ms in every two seconds.
    simulation.send(sent, [&](std::size_t i) {
        const Duration phase = sent[i].at % seconds(2);
        return std::optional<Duration>(phase < milliseconds(300) ? milliseconds(300) - phase
                                                                 : Duration::zero());
    });
    simulation.run_until(milliseconds(60'300));
    EXPECT_LE(simulation.buffer.stats().concealed, 6U) << "in the first stall alone";
    EXPECT_EQ(simulation.samples, sent.size() * 960);
    EXPECT_LE(simulation.worst_delay(), milliseconds(310));
}

TEST(JitterBuffer, DriftNeverConcealsNorDelays) {
    for (const double ppm : {-500.0, 500.0}) {
        std::mt19937 random(3);
        std::uniform_int_distribution<int> wait(0, 8'000);
        const double pace = 1.0 + ppm * 1e-6;
        const auto sent = stream(std::chrono::minutes(10), 960, pace);
        Simulation simulation;
        simulation.send(
            sent, [&](std::size_t) { return std::optional<Duration>(microseconds(wait(random))); });
        simulation.run_until(std::chrono::minutes(10) + milliseconds(10));
        EXPECT_THAT(simulation.kinds, testing::Each(Kind::Packet));
        EXPECT_EQ(simulation.samples, sent.size() * 960);
        EXPECT_LT(simulation.buffer.stats().playout_delay, milliseconds(25))
            << "jitter, a tick and ten seconds' drift, whatever the stream's age";
    }
}

TEST(JitterBuffer, RandomLossKeepsTheTimeLine) {
    for (const int percent : {1, 10, 30, 60}) {
        std::mt19937 random(4);
        const auto sent = stream(seconds(60));
        std::size_t lost = 0;
        Simulation simulation;
        simulation.send(sent, [&](std::size_t i) -> std::optional<Duration> {
            if (i > 0 && i + 1 < sent.size() && static_cast<int>(random() % 100) < percent) {
                ++lost;
                return std::nullopt;
            }
            return Duration::zero();
        });
        simulation.run_until(seconds(60) + milliseconds(60));
        EXPECT_EQ(simulation.buffer.stats().concealed, lost);
        EXPECT_EQ(simulation.by_kind[Kind::Packet], (sent.size() - lost) * 960);
        EXPECT_EQ(simulation.samples, sent.size() * 960);
        EXPECT_LE(simulation.mean_delay(), milliseconds(40));
    }
}

TEST(JitterBuffer, LossAfterAPacketWithFecIsRecovered) {
    auto sent = stream(seconds(2));
    for (Sent& each : sent) each.payload = packet_with_fec();
    Simulation simulation;
    simulation.send(sent, [](std::size_t i) {
        return i == 20 || i == 40 || i == 41 ? std::nullopt
                                             : std::optional<Duration>(Duration::zero());
    });
    simulation.run_until(seconds(2));
    EXPECT_EQ(simulation.buffer.stats().recovered, 2U);
    EXPECT_EQ(simulation.buffer.stats().concealed, 1U) << "the first of two in a row";
    EXPECT_EQ(simulation.kinds[20], Kind::Fec);
    EXPECT_EQ(simulation.kinds[40], Kind::Conceal);
    EXPECT_EQ(simulation.kinds[41], Kind::Fec);
    EXPECT_EQ(simulation.samples, sent.size() * 960);
}

TEST(JitterBuffer, DuplicatesAndLatePacketsAreCounted) {
    const auto sent = stream(seconds(2));
    Simulation simulation;
    simulation.send(sent, [](std::size_t i) {
        return std::optional<Duration>(i == 30 ? milliseconds(110) : Duration::zero());
    });
    simulation.send(sent, [](std::size_t i) {
        return i % 10 == 0 && i != 30 ? std::optional<Duration>(milliseconds(i % 20 == 0 ? 0 : 70))
                                      : std::nullopt;
    });
    simulation.run_until(seconds(2) + milliseconds(80));
    const auto& stats = simulation.buffer.stats();
    EXPECT_EQ(stats.duplicates, 9U);
    EXPECT_EQ(stats.late, 1U);
    EXPECT_EQ(stats.concealed, 1U);
    EXPECT_EQ(simulation.samples, sent.size() * 960);
}

TEST(JitterBuffer, DtxIsComfortAndNeverLoss) {
    // As Chromium does it: sequence numbers go on, a packet every 400 ms, time stamps tell the
    // silence.
    std::vector<Sent> sent;
    std::uint16_t sequence = 65'530;
    for (std::uint32_t frame = 0; frame < 1'000; ++frame) {
        const bool talks = frame / 100 % 2 == 0;
        if (!talks && frame % 20 != 0) continue;
        sent.push_back({milliseconds(20) * (frame + 1), sequence++, frame * 960,
                        talks ? packet_of(960) : dtx_packet()});
    }
    std::mt19937 random(5);
    std::uniform_int_distribution<int> wait(0, 5'000);
    Simulation simulation;
    simulation.send(
        sent, [&](std::size_t) { return std::optional<Duration>(microseconds(wait(random))); });
    simulation.run_until(seconds(20));
    EXPECT_EQ(simulation.by_kind.count(Kind::Conceal), 0U);
    EXPECT_EQ(simulation.buffer.stats().late, 0U);
    EXPECT_EQ(simulation.by_kind[Kind::Packet], sent.size() * 960);
    EXPECT_GE(simulation.samples, 20U * 48'000 - 3 * 960)
        << "silence goes on at the publisher's pace";
    EXPECT_LE(simulation.samples, 20U * 48'000);
    EXPECT_LE(simulation.worst_delay(), milliseconds(16)) << "speech after silence starts at once";
}

TEST(JitterBuffer, LossAtTheEdgeOfDtxKeepsTheTimeLine) {
    std::vector<Sent> sent;
    std::uint16_t sequence = 0;
    for (std::uint32_t frame = 0; frame < 400; ++frame) {
        const bool talks = frame / 50 % 2 == 0;
        if (!talks && frame % 20 != 0) continue;
        sent.push_back({milliseconds(20) * (frame + 1), sequence++, frame * 960,
                        talks ? packet_of(960) : dtx_packet()});
    }
    for (std::size_t victim = 45; victim < 60; ++victim) {
        Simulation simulation;
        simulation.send(sent, [&](std::size_t i) {
            return i == victim ? std::nullopt : std::optional<Duration>(Duration::zero());
        });
        simulation.run_until(seconds(8));
        EXPECT_NEAR(static_cast<double>(simulation.samples), 8.0 * 48'000, 3 * 960) << victim;
        EXPECT_EQ(simulation.by_kind[Kind::Packet], (sent.size() - 1) * 960) << victim;
    }
}

TEST(JitterBuffer, OutageIsConcealedInRealTimeAndForgotten) {
    const auto sent = stream(seconds(15));
    Simulation simulation;
    simulation.send(sent, [&](std::size_t i) {
        return sent[i].at > seconds(5) && sent[i].at <= seconds(10)
                   ? std::nullopt
                   : std::optional<Duration>(Duration::zero());
    });
    simulation.run_until(milliseconds(5'200));
    EXPECT_EQ(simulation.samples, 5U * 48'000) << "waited for at first";
    simulation.run_until(milliseconds(9'990));
    EXPECT_NEAR(static_cast<double>(simulation.samples), 9.99 * 48'000 - 0.2 * 48'000, 960)
        << "then time goes on, as far behind as was waited";
    simulation.run_until(seconds(15));
    EXPECT_EQ(simulation.samples, sent.size() * 960);
    EXPECT_EQ(simulation.by_kind[Kind::Packet], 10U * 48'000);
    EXPECT_EQ(simulation.buffer.stats().resyncs, 0U);
    EXPECT_LE(simulation.added.back(), microseconds(1));
}

TEST(JitterBuffer, ConcealmentThatMeetsAPacketHalfwayIsCutOff) {
    // A publisher that comes back from a pause on another grid: no sample twice, none missing.
    auto sent = stream(seconds(2));
    auto after = stream(seconds(2));
    for (Sent& each : after) {
        each.at += seconds(3) + milliseconds(7);
        each.sequence = static_cast<std::uint16_t>(each.sequence + sent.size());
        each.timestamp += 3 * 48'000 + 7 * 48;
    }
    Simulation simulation;
    simulation.send(sent, steady());
    simulation.send(after, [](std::size_t) { return milliseconds(250); });
    simulation.run_until(milliseconds(5'300));
    EXPECT_EQ(simulation.samples, 5U * 48'000 + 7 * 48);
    EXPECT_EQ(simulation.by_kind[Kind::Conceal], 53U * 960);
    EXPECT_EQ(simulation.buffer.stats().late, 2U) << "covered whole; the third is cut";
}

TEST(JitterBuffer, TimeLineThatStoodStillIsTakenUpAgain) {
    // Some publishers' time stamps do not count a pause: everything after it looks hopelessly late.
    const auto sent = stream(seconds(6));
    Simulation simulation;
    simulation.send(sent, [&](std::size_t i) {
        return std::optional<Duration>(sent[i].at > seconds(3) ? seconds(3) : seconds(0));
    });
    simulation.run_until(seconds(9));
    EXPECT_LE(simulation.buffer.stats().resyncs, 1U);
    EXPECT_GT(simulation.by_kind[Kind::Packet], 5U * 48'000) << "all but what it took to notice";
    EXPECT_EQ(simulation.kinds.back(), Kind::Packet);
}

TEST(JitterBuffer, JumpsOfTheTimeLineStartItAnew) {
    const Payload payload = packet_of(960);
    for (const std::uint32_t jump : {48'000U * 6, 0x8000'0000U, 0U - 48'000U * 6}) {
        JitterBuffer buffer({});
        for (std::uint16_t i = 0; i < 100; ++i) {
            const std::uint32_t timestamp = i * 960U + (i < 50 ? 0U : jump);
            buffer.insert(kStart + i * milliseconds(20), i, timestamp, payload);
            const auto step = buffer.pop(kStart + i * milliseconds(20));
            ASSERT_TRUE(step.has_value());
            EXPECT_EQ(step->kind, Kind::Packet);
            EXPECT_FALSE(buffer.pop(kStart + i * milliseconds(20)).has_value());
        }
        EXPECT_EQ(buffer.stats().resyncs, 1U) << jump;
    }
}

TEST(JitterBuffer, ResetTakesAnotherStream) {
    JitterBuffer buffer({});
    EXPECT_FALSE(buffer.pop(kStart).has_value());
    buffer.insert(kStart, 7, 7'000, packet_of(960));
    buffer.reset();
    EXPECT_FALSE(buffer.pop(kStart).has_value());
    buffer.insert(kStart, 40'000, 1U << 31, packet_of(480));
    const auto step = buffer.pop(kStart);
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step->samples, 480U);
    EXPECT_EQ(buffer.stats().resyncs, 0U);
    EXPECT_EQ(buffer.stats().received, 2U);
}

TEST(JitterBuffer, FirstPacketsMayComeInAnyOrder) {
    JitterBuffer buffer({});
    for (const std::uint16_t sequence : std::array<std::uint16_t, 4>{3, 1, 2, 0}) {
        buffer.insert(kStart, sequence, sequence * 960U, packet_of(960));
    }
    for (int i = 0; i < 4; ++i) {
        const auto step = buffer.pop(kStart);
        ASSERT_TRUE(step.has_value());
        EXPECT_EQ(step->kind, Kind::Packet);
    }
    EXPECT_EQ(buffer.stats().late, 0U);
}

TEST(JitterBuffer, MalformedPacketsAreCountedAndDropped) {
    JitterBuffer buffer({});
    buffer.insert(kStart, 0, 0, {});
    buffer.insert(kStart, 1, 0, Payload{31 << 3 | 3});
    buffer.insert(kStart, 2, 0, Payload(kMaxPayloadBytes + 1, 0));
    EXPECT_EQ(buffer.stats().malformed, 3U);
    EXPECT_FALSE(buffer.pop(kStart).has_value());
}

TEST(JitterBuffer, FullBufferDropsAndRecovers) {
    Simulation simulation;
    const auto burst =
        stream(seconds(6));  // 300 packets at one instant, with a hole near the front
    simulation.send(burst, [&](std::size_t i) {
        return i == 1 ? std::nullopt : std::optional<Duration>(-burst[i].at);
    });
    simulation.run_until(milliseconds(500));
    EXPECT_EQ(simulation.buffer.stats().overflowed, 300U - 128);
    EXPECT_EQ(simulation.by_kind[Kind::Packet], 127U * 960);
    EXPECT_EQ(simulation.buffer.stats().concealed, 1U);
    EXPECT_EQ(simulation.buffer.stats().resyncs, 0U);
}

// ---- retransmission ----

TEST(JitterBuffer, AsksForWhatIsMissingAndWaitsForIt) {
    for (const int percent : {2, 8, 10}) {
        std::mt19937 random(6);
        const auto sent = stream(seconds(60));
        Simulation simulation;
        simulation.one_way = milliseconds(10);
        simulation.resend = [&](std::uint16_t) {
            return static_cast<int>(random() % 100) >= 2 * percent;
        };
        simulation.send(sent, [&](std::size_t i) {
            return i > 0 && static_cast<int>(random() % 100) < percent
                       ? std::nullopt
                       : std::optional<Duration>(Duration::zero());
        });
        simulation.run_until(milliseconds(60'150));
        const auto& stats = simulation.buffer.stats();
        EXPECT_LE(stats.concealed, sent.size() / 500) << percent;
        EXPECT_GT(stats.resent, sent.size() * static_cast<std::size_t>(percent) / 150) << percent;
        EXPECT_LE(simulation.mean_delay(), milliseconds(30)) << percent;
        EXPECT_LE(simulation.worst_delay(), milliseconds(400)) << percent;
        EXPECT_THAT(simulation.asks_of, testing::Each(testing::Pair(testing::_, testing::Le(4))))
            << percent;
    }
}

TEST(JitterBuffer, CleanStreamAsksForNothing) {
    Simulation simulation;
    simulation.resend = [](std::uint16_t) { return true; };
    simulation.send(stream(seconds(5)), steady());
    simulation.run_until(seconds(5));
    EXPECT_EQ(simulation.asked, 0U);
    EXPECT_LE(simulation.worst_delay(), microseconds(1));
}

TEST(JitterBuffer, PublisherThatNeverResendsIsNotWaitedFor) {
    std::mt19937 random(8);
    const auto sent = stream(seconds(60));
    Simulation simulation;
    simulation.one_way = milliseconds(50);
    simulation.resend = [](std::uint16_t) { return false; };
    simulation.send(sent, [&](std::size_t i) {
        return i > 0 && random() % 20 == 0 ? std::nullopt
                                           : std::optional<Duration>(Duration::zero());
    });
    simulation.run_until(seconds(30));
    simulation.added.clear();
    simulation.run_until(seconds(60));
    EXPECT_LE(simulation.worst_delay(), milliseconds(100));
    EXPECT_LE(simulation.mean_delay(), milliseconds(6));
}

// ---- hostile ----

TEST(JitterBuffer, GarbageNeitherGrowsNorSticks) {
    std::mt19937 random(9);
    JitterBuffer buffer({});
    Time now = kStart;
    std::array<std::uint16_t, 16> wanted{};
    std::uint64_t steps = 0;
    const auto churn = [&](auto&& sequence, auto&& timestamp) {
        for (int i = 0; i < 60'000; ++i) {
            Payload payload = packet_of(std::array{120U, 480U, 960U, 5760U}.at(random() % 4));
            payload[0] = random() % 8 == 0 ? static_cast<std::uint8_t>(random()) : payload[0];
            now += microseconds(random() % 3'000);
            buffer.insert(now, sequence(i), timestamp(i), payload);
            for (int budget = 4; budget > 0; --budget) {
                const auto step = buffer.pop(now);
                if (!step) break;
                ++steps;
                ASSERT_GE(step->samples, 1U);
                ASSERT_LE(step->samples + step->skip, kMaxPacketSamples);
                ASSERT_LE(step->payload.size(), kMaxPayloadBytes);
            }
            ASSERT_LE(buffer.missing(now, microseconds(random() % 500'000), wanted), wanted.size());
        }
    };
    const auto any16 = [&](int) { return static_cast<std::uint16_t>(random()); };
    const auto any32 = [&](int) { return static_cast<std::uint32_t>(random()); };
    const auto near16 = [&](int i) {
        return static_cast<std::uint16_t>(i + static_cast<int>(random() % 300));
    };
    const auto near32 = [&](int i) {
        return static_cast<std::uint32_t>(i * 72 + static_cast<int>(random() % 90'000));
    };
    churn(any16, any32);
    churn(near16, any32);
    churn(any16, near32);
    churn(near16, near32);
    EXPECT_GT(steps, 1'000U);

    // And an honest stream afterwards is served within a second.
    std::size_t packets = 0;
    for (std::uint16_t i = 0; i < 200; ++i) {
        now += milliseconds(20);
        buffer.insert(now, static_cast<std::uint16_t>(i + 30'000), i * 960U + 12'345U,
                      packet_of(960));
        while (const auto step = buffer.pop(now)) {
            packets += step->kind == Kind::Packet ? 1 : 0;
        }
    }
    EXPECT_GT(packets, 150U);
}

}  // namespace
}  // namespace hushcast::media
