#include "rtc/dtls.hpp"

#include <cctype>
#include <functional>
#include <random>

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace hushcast::rtc {
namespace {

using namespace std::chrono_literals;
using Flight = DtlsSession::Flight;

constexpr Time kStart{1h};

const DtlsIdentity& server_identity() {
    static const DtlsIdentity kIdentity;
    return kIdentity;
}
const DtlsIdentity& client_identity() {
    static const DtlsIdentity kIdentity;
    return kIdentity;
}

/// Two sessions without a network between them: what one writes, the other reads at once, unless
/// the test's filter drops it.
struct Pair {
    explicit Pair(const Fingerprint& client_expects = server_identity().fingerprint(),
                  const Fingerprint& server_expects = client_identity().fingerprint())
        : client(client_identity(), DtlsRole::Client, client_expects),
          server(server_identity(), DtlsRole::Server, server_expects) {}

    void start() {
        Flight flight;
        server.start(now, flight);
        EXPECT_TRUE(flight.empty()) << "the server waits";
        client.start(now, flight);
        deliver(flight, server);
    }

    void deliver(const Flight& flight, DtlsSession& to) {
        Flight reply;
        for (const auto& datagram : flight) {
            EXPECT_LE(datagram.size(), static_cast<std::size_t>(DtlsSession::kMtuBytes));
            if (drop && drop(datagram, to)) continue;
            to.on_datagram(now, datagram, reply);
        }
        if (!reply.empty()) deliver(reply, &to == &client ? server : client);
    }

    /// Fires timers in their order until both are decided or the time is over.
    void run(Duration limit) {
        const Time end = now + limit;
        while (std::min(client.next_timeout(), server.next_timeout()) <= end) {
            now = std::min(client.next_timeout(), server.next_timeout());
            fire(client, server);
            fire(server, client);
        }
    }

    void fire(DtlsSession& from, DtlsSession& to) {
        if (from.next_timeout() > now) return;
        Flight flight;
        from.on_timeout(now, flight);
        ++timeouts;
        deliver(flight, to);
    }

    void expect_connected() const {
        ASSERT_EQ(client.state(), DtlsState::Connected);
        ASSERT_EQ(server.state(), DtlsState::Connected);
        EXPECT_EQ(client.next_timeout(), kNever);
        EXPECT_EQ(server.next_timeout(), kNever);
        EXPECT_EQ(client.keys().profile, server.keys().profile);
        EXPECT_EQ(client.keys().local.key, server.keys().remote.key);
        EXPECT_EQ(client.keys().local.salt, server.keys().remote.salt);
        EXPECT_EQ(client.keys().remote.key, server.keys().local.key);
        EXPECT_EQ(client.keys().remote.salt, server.keys().local.salt);
        EXPECT_NE(client.keys().local.key, client.keys().remote.key);
    }

    Time now = kStart;
    DtlsSession client;
    DtlsSession server;
    std::function<bool(const std::vector<std::uint8_t>&, const DtlsSession&)> drop;
    int timeouts = 0;
};

TEST(Fingerprint, IsReadAndWritten) {
    const Fingerprint& fingerprint = server_identity().fingerprint();
    const std::string text = to_string(fingerprint);
    EXPECT_EQ(text.size(), 95U);
    EXPECT_EQ(parse_fingerprint(text), fingerprint);
    std::string lower = text;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(parse_fingerprint(lower), fingerprint);
}

TEST(Fingerprint, RefusesEverythingElse) {
    const std::string good = to_string(Fingerprint{});
    std::string semicolon = good;
    semicolon[2] = ';';
    std::string letter = good;
    letter[94] = 'G';
    EXPECT_TRUE(parse_fingerprint(good));
    for (const std::string& bad :
         {std::string(), good.substr(1), good + ":00", semicolon, letter}) {
        EXPECT_FALSE(parse_fingerprint(bad)) << bad;
    }
}

TEST(Dtls, BothSidesGetTheSameKeysWithoutWaiting) {
    Pair pair;
    pair.start();
    pair.expect_connected();
    EXPECT_EQ(pair.client.keys().profile, SrtpProfile::AeadAes128Gcm);
    EXPECT_EQ(pair.timeouts, 0);
}

TEST(Dtls, EveryIdentityIsAnother) {
    EXPECT_NE(server_identity().fingerprint(), client_identity().fingerprint());
}

TEST(Dtls, RefusesACertificateWithAnotherFingerprint) {
    Fingerprint wrong = server_identity().fingerprint();
    wrong[31] ^= 1;
    Pair client_deceived(wrong);
    client_deceived.start();
    EXPECT_EQ(client_deceived.client.state(), DtlsState::Failed);
    EXPECT_EQ(client_deceived.server.state(), DtlsState::Failed) << "it is told by an alert";

    wrong = client_identity().fingerprint();
    wrong[0] ^= 0x80;
    Pair server_deceived(server_identity().fingerprint(), wrong);
    server_deceived.start();
    EXPECT_EQ(server_deceived.server.state(), DtlsState::Failed);
    EXPECT_EQ(server_deceived.client.state(), DtlsState::Failed);
}

TEST(Dtls, RetransmitsOnItsOwnClockAndGivesUp) {
    DtlsSession client(client_identity(), DtlsRole::Client, {});
    Flight flight;
    client.start(kStart, flight);
    ASSERT_EQ(flight.size(), 1U);
    std::vector<Duration> waits;
    Time last = kStart;
    while (client.state() == DtlsState::Connecting) {
        const Time next = client.next_timeout();
        ASSERT_GT(next, last);
        Flight early;
        client.on_timeout(next - 1ns, early);
        EXPECT_TRUE(early.empty());
        flight.clear();
        client.on_timeout(next, flight);
        if (!flight.empty()) waits.push_back(next - last);
        last = next;
    }
    const std::vector<Duration> expected{100ms,  200ms,  400ms,  800ms,  1600ms,
                                         3200ms, 3200ms, 3200ms, 3200ms, 3200ms};
    EXPECT_EQ(waits, expected);
    EXPECT_EQ(last - kStart, DtlsSession::kHandshakeTimeout);
    EXPECT_EQ(client.state(), DtlsState::Failed);
    EXPECT_EQ(client.next_timeout(), kNever);
}

TEST(Dtls, SurvivesTheLossOfAnyOneDatagram) {
    for (int lost = 0; lost < 10; ++lost) {
        Pair pair;
        int count = 0;
        pair.drop = [&](const auto&, const DtlsSession&) { return count++ == lost; };
        pair.start();
        pair.run(20s);
        SCOPED_TRACE(lost);
        pair.expect_connected();
    }
}

TEST(Dtls, ALostLastFlightIsAskedForAgain) {
    // The server is through and has no timer any more; the client's retransmission must reach it as
    // something new, not as a replay.
    Pair pair;
    int lost = 0;
    pair.drop = [&](const auto&, const DtlsSession& to) {
        return &to == &pair.client && pair.server.state() == DtlsState::Connected && lost++ < 4;
    };
    pair.start();
    EXPECT_EQ(pair.server.state(), DtlsState::Connected);
    EXPECT_EQ(pair.client.state(), DtlsState::Connecting);
    pair.run(20s);
    EXPECT_GE(lost, 4);
    pair.expect_connected();
}

TEST(Dtls, SurvivesHeavyLoss) {
    for (std::uint32_t seed = 0; seed < 20; ++seed) {
        std::mt19937 random(seed);
        Pair pair;
        pair.drop = [&](const auto&, const DtlsSession&) { return random() % 10 < 3; };
        pair.start();
        pair.run(30s);
        SCOPED_TRACE(seed);
        pair.expect_connected();
    }
}

TEST(Dtls, SaysGoodbyeAndHearsIt) {
    Pair pair;
    pair.start();
    Flight flight;
    pair.client.close(flight);
    EXPECT_EQ(pair.client.state(), DtlsState::Closed);
    ASSERT_EQ(flight.size(), 1U);
    Flight reply;
    pair.server.on_datagram(pair.now, flight[0], reply);
    EXPECT_EQ(pair.server.state(), DtlsState::Closed);
    EXPECT_EQ(reply.size(), 1U) << "close_notify in return";
    flight.clear();
    pair.server.close(flight);
    EXPECT_TRUE(flight.empty());
}

TEST(Dtls, CloseBeforeTheHandshakeSendsNothing) {
    DtlsSession server(server_identity(), DtlsRole::Server, {});
    Flight flight;
    server.close(flight);
    EXPECT_TRUE(flight.empty());
    EXPECT_EQ(server.state(), DtlsState::Closed);
    EXPECT_EQ(server.next_timeout(), kNever);
}

TEST(Dtls, IgnoresDatagramsBeforeStart) {
    DtlsSession server(server_identity(), DtlsRole::Server, client_identity().fingerprint());
    DtlsSession client(client_identity(), DtlsRole::Client, server_identity().fingerprint());
    Flight flight;
    Flight reply;
    client.start(kStart, flight);
    server.on_datagram(kStart, flight[0], reply);
    EXPECT_TRUE(reply.empty());
}

TEST(Dtls, GarbageDoesNotEndAnAssociation) {
    std::mt19937 random(7);
    const auto pester = [&](Pair& pair) {
        Flight reply;
        for (int i = 0; i < 500; ++i) {
            std::vector<std::uint8_t> garbage(random() % 1400);
            for (auto& byte : garbage) byte = static_cast<std::uint8_t>(random());
            if (i % 2 == 0 && garbage.size() > 13) {  // a record header that holds
                garbage[0] = static_cast<std::uint8_t>(20 + random() % 4);
                garbage[1] = 0xfe;
                garbage[2] = 0xfd;
                garbage[3] = 0;
                garbage[4] =
                    1;  // encrypted: a plaintext one can be forged by whoever can send at all
            }
            pair.server.on_datagram(pair.now, garbage, reply);
            pair.client.on_datagram(pair.now, garbage, reply);
        }
        EXPECT_TRUE(reply.empty()) << "nobody is answered";
    };
    Pair pair;
    Flight hello;
    pair.server.start(pair.now, hello);
    pair.client.start(pair.now, hello);
    pester(pair);
    pair.deliver(hello, pair.server);
    pair.expect_connected();
    const SrtpMasterKey before = pair.server.keys().local;
    pester(pair);
    pair.expect_connected();
    EXPECT_EQ(pair.server.keys().local.key, before.key);
}

TEST(Dtls, HugeFragmentsAreNotReassembled) {
    // A ClientHello that announces 16 MB.
    const std::vector<std::uint8_t> hello{22, 0xfe, 0xfd, 0,    0, 0, 0, 0, 0, 0, 0, 0, 16,  //
                                          1,  0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 4, 1,
                                          2,  3,    4};
    DtlsSession server(server_identity(), DtlsRole::Server, {});
    Flight reply;
    server.start(kStart, reply);
    server.on_datagram(kStart, hello, reply);
    EXPECT_NE(server.state(), DtlsState::Connected);
    EXPECT_LE(reply.size(), 1U) << "an alert at most";
}

/// A client that is OpenSSL without anything of ours, in whatever shape a test wants.
class ForeignClient {
public:
    explicit ForeignClient(const char* profiles, long mtu) {
        context_ = SSL_CTX_new(DTLS_client_method());
        EVP_PKEY* key = EVP_RSA_gen(2048);
        X509* certificate = X509_new();
        X509_set_version(certificate, X509_VERSION_3);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_sign(certificate, key, EVP_sha256());
        X509_digest(certificate, EVP_sha256(), fingerprint.data(), nullptr);
        SSL_CTX_use_certificate(context_, certificate);
        SSL_CTX_use_PrivateKey(context_, key);
        X509_free(certificate);
        EVP_PKEY_free(key);
        if (profiles != nullptr) SSL_CTX_set_tlsext_use_srtp(context_, profiles);
        SSL_CTX_set_options(context_, SSL_OP_NO_QUERY_MTU);
        ssl_ = SSL_new(context_);
        SSL_set_mtu(ssl_, mtu);
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        BIO_set_mem_eof_return(in_, -1);
        SSL_set_bio(ssl_, in_, out_);
        SSL_set_connect_state(ssl_);
    }
    ~ForeignClient() {
        SSL_free(ssl_);
        SSL_CTX_free(context_);
    }
    ForeignClient(const ForeignClient&) = delete;
    ForeignClient& operator=(const ForeignClient&) = delete;

    bool advance() { return SSL_do_handshake(ssl_) == 1; }
    void feed(const std::vector<std::uint8_t>& datagram) {
        BIO_write(in_, datagram.data(), static_cast<int>(datagram.size()));
    }
    /// What it has written, cut at record boundaries, one record per datagram.
    Flight take() {
        Flight records;
        std::array<std::uint8_t, 13> header{};
        while (BIO_read(out_, header.data(), 13) == 13) {
            const int length = header[11] << 8 | header[12];
            auto& record = records.emplace_back(header.begin(), header.end());
            record.resize(13 + static_cast<std::size_t>(length));
            BIO_read(out_, record.data() + 13, length);
        }
        return records;
    }

    Fingerprint fingerprint{};

private:
    SSL_CTX* context_;
    SSL* ssl_;
    BIO* in_;
    BIO* out_;
};

DtlsState shake_hands(ForeignClient& client, DtlsSession& server, std::size_t& records) {
    Flight reply;
    server.start(kStart, reply);
    for (int round = 0; round < 10; ++round) {
        client.advance();
        const Flight flight = client.take();
        if (flight.empty()) break;
        records = std::max(records, flight.size());
        for (const auto& record : flight) server.on_datagram(kStart, record, reply);
        for (const auto& datagram : reply) client.feed(datagram);
        reply.clear();
    }
    return server.state();
}

TEST(Dtls, TakesFragmentedFlightsAndRsaCertificates) {
    // As a browser's ClientHello with post-quantum key shares comes, in pieces.
    ForeignClient client("SRTP_AES128_CM_SHA1_80", 256);
    DtlsSession server(server_identity(), DtlsRole::Server, client.fingerprint);
    std::size_t records = 0;
    ASSERT_EQ(shake_hands(client, server, records), DtlsState::Connected);
    EXPECT_GT(records, 4U);
    EXPECT_EQ(server.keys().profile, SrtpProfile::AesCm128HmacSha1_80);
}

TEST(Dtls, RefusesAPeerWithoutSrtp) {
    ForeignClient client(nullptr, 1200);
    DtlsSession server(server_identity(), DtlsRole::Server, client.fingerprint);
    std::size_t records = 0;
    EXPECT_EQ(shake_hands(client, server, records), DtlsState::Failed);
}

}  // namespace
}  // namespace hushcast::rtc
