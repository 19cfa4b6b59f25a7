#include "net/udp_port.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace hushcast::net {
namespace {

Endpoint loopback(std::uint16_t port) { return {IpAddress::v4(127, 0, 0, 1), port}; }

struct Arrived {
    Time time;
    Path path;
    std::vector<std::uint8_t> bytes;
};

/// Runs the loop until `port` has been handed `count` datagrams; a limit ends a test that fails.
std::vector<Arrived> receive(EventLoop& loop, UdpPort& port, std::size_t count) {
    std::vector<Arrived> arrived;
    port.start([&](Time time, const Path& path, MutableBytes bytes) {
        arrived.push_back({time, path, {bytes.begin(), bytes.end()}});
        if (arrived.size() == count) loop.stop();
    });
    loop.after(std::chrono::seconds(5), [&] { loop.stop(); });
    loop.run();
    return arrived;
}

TEST(UdpPort, CarriesDatagramsBothWays) {
    EventLoop loop;
    auto server = UdpPort::open(loop, loopback(0));
    auto client = UdpPort::open(loop, loopback(0));
    ASSERT_TRUE(server && client);
    const std::array<std::uint8_t, 3> hello{1, 2, 3};
    const Time before = Clock::now();
    const std::array batch{Datagram{{(*server)->local(), {}}, hello},
                           Datagram{{(*server)->local(), {}}, Bytes(hello).first(1)}};
    (*client)->send(batch);

    const auto arrived = receive(loop, **server, 2);
    ASSERT_EQ(arrived.size(), 2U);
    EXPECT_EQ(arrived[0].path.remote, (*client)->local());
    EXPECT_EQ(arrived[0].path.local, IpAddress::v4(127, 0, 0, 1));
    EXPECT_EQ(arrived[0].bytes, (std::vector<std::uint8_t>{1, 2, 3}));
    EXPECT_EQ(arrived[1].bytes.size(), 1U);
    // The kernel's stamp comes from the wall clock, which may be off by what lies between two
    // reads.
    EXPECT_GE(arrived[0].time, before - std::chrono::milliseconds(50));
    EXPECT_LE(arrived[0].time, Clock::now());
    EXPECT_EQ((*client)->counters().sent, 2U);
    EXPECT_EQ((*server)->counters().received, 2U);
}

TEST(UdpPort, OnAWildcardKnowsWhichAddressWasMeantAndRepliesFromIt) {
    for (const char* any : {"0.0.0.0:0", "[::]:0"}) {
        EventLoop loop;
        auto server = UdpPort::open(loop, *Endpoint::parse(any));
        if (!server && std::string_view(any).starts_with('[')) continue;  // a machine without IPv6
        ASSERT_TRUE(server) << server.error();
        auto client = UdpPort::open(loop, loopback(0));
        // All of 127/8 is this machine; the kernel alone would reply from 127.0.0.1.
        const auto second = IpAddress::v4(127, 0, 0, 2);
        const std::array<std::uint8_t, 1> byte{7};
        (*client)->send(std::array{Datagram{{{second, (*server)->local().port}, {}}, byte}});

        std::vector<Path> seen;
        (*server)->start([&](Time, const Path& path, MutableBytes bytes) {
            seen.push_back(path);
            (*server)->send(std::array{Datagram{path, bytes}});
        });
        const auto echoed = receive(loop, **client, 1);
        ASSERT_EQ(seen.size(), 1U) << any;
        EXPECT_EQ(seen[0].local, second);
        EXPECT_EQ(seen[0].remote, (*client)->local());
        ASSERT_EQ(echoed.size(), 1U);
        EXPECT_EQ(echoed[0].path.remote.ip, second);
    }
}

TEST(UdpPort, DropsAndCountsWhatIsTooLong) {
    EventLoop loop;
    auto server = UdpPort::open(loop, loopback(0));
    auto client = UdpPort::open(loop, loopback(0));
    const std::vector<std::uint8_t> bytes(kMaxDatagramBytes + 1, 5);
    const Path there{(*server)->local(), {}};
    const std::array batch{Datagram{there, bytes},
                           Datagram{there, Bytes(bytes).first(kMaxDatagramBytes)}};
    (*client)->send(batch);
    const auto arrived = receive(loop, **server, 1);
    ASSERT_EQ(arrived.size(), 1U);
    EXPECT_EQ(arrived[0].bytes.size(), kMaxDatagramBytes);
    EXPECT_EQ((*server)->counters().oversized, 1U);
}

TEST(UdpPort, OneUnreachablePeerDoesNotCostTheOthersTheirDatagram) {
    EventLoop loop;
    auto server = UdpPort::open(loop, loopback(0));
    auto client = UdpPort::open(loop, loopback(0));
    const std::array<std::uint8_t, 1> byte{7};
    const Path there{(*server)->local(), {}};
    const Path nowhere{{IpAddress::v4(127, 0, 0, 1), 0}, {}};  // port 0 cannot be sent to
    const std::array batch{Datagram{nowhere, byte}, Datagram{there, byte}, Datagram{nowhere, byte},
                           Datagram{there, byte}};
    (*client)->send(batch);
    EXPECT_EQ(receive(loop, **server, 2).size(), 2U);
    EXPECT_EQ((*client)->counters().sent, 2U);
    EXPECT_EQ((*client)->counters().refused, 2U);
}

TEST(UdpPort, TakesBatchesLargerThanOneCallFromManyThreads) {
    EventLoop loop;
    auto server = UdpPort::open(loop, loopback(0));
    auto client = UdpPort::open(loop, loopback(0));
    const std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
    constexpr std::size_t kEach = 150;
    const std::vector<Datagram> batch(kEach, Datagram{{(*server)->local(), {}}, bytes});
    std::thread one([&] { (*client)->send(batch); });
    std::thread two([&] { (*client)->send(batch); });
    one.join();
    two.join();
    const auto& counters = (*client)->counters();
    EXPECT_EQ(counters.sent + counters.refused, 2 * kEach);
    EXPECT_EQ(receive(loop, **server, counters.sent).size(), counters.sent);
}

TEST(UdpPort, SaysWhyItCannotBeOpened) {
    EventLoop loop;
    auto first = UdpPort::open(loop, loopback(0));
    ASSERT_TRUE(first);
    const auto second = UdpPort::open(loop, (*first)->local());
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("in use"), std::string::npos) << second.error();
}

TEST(LocalAddresses, AreReachableOnesUnlessThereAreNone) {
    const auto addresses = local_addresses();
    const auto loopbacks = std::count_if(addresses.begin(), addresses.end(),
                                         [](const IpAddress& ip) { return ip.is_loopback(); });
    EXPECT_TRUE(loopbacks == 0 || static_cast<std::size_t>(loopbacks) == addresses.size());
    EXPECT_TRUE(std::none_of(addresses.begin(), addresses.end(),
                             [](const IpAddress& ip) { return ip.is_unspecified(); }));
}

}  // namespace
}  // namespace hushcast::net
