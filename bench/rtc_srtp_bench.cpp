// What one packet of 120 bytes costs under SRTP, beside libsrtp2 in the same run. Every packet is
// for another peer, as in the fan-out: the argument is the number of peers.
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <srtp2/srtp.h>

#include "rtc/rtp.hpp"
#include "rtc/srtp.hpp"

namespace {

using hushcast::rtc::SrtpMasterKey;
using hushcast::rtc::SrtpProfile;
using hushcast::rtc::SrtpReceiver;
using hushcast::rtc::SrtpSender;

constexpr std::size_t kPacketBytes = 120;
using Buffer = std::array<std::uint8_t, kPacketBytes + SRTP_MAX_TRAILER_LEN>;

SrtpProfile profile_of(const benchmark::State& state) {
    return state.range(0) != 0 ? SrtpProfile::AeadAes128Gcm : SrtpProfile::AesCm128HmacSha1_80;
}

SrtpMasterKey key_of(std::size_t peer) {
    SrtpMasterKey key;
    std::memcpy(key.key.data(), &peer, sizeof peer);
    return key;
}

Buffer packet(std::uint16_t sequence) {
    Buffer buffer{};
    hushcast::rtc::RtpPacket header;
    header.payload_type = 111;
    header.sequence = sequence;
    header.ssrc = 5;
    hushcast::rtc::write_rtp_header(std::span(buffer).first<hushcast::rtc::kRtpHeaderBytes>(),
                                    header);
    return buffer;
}

/// One direction of libsrtp2.
class Session {
public:
    Session(SrtpProfile profile, std::size_t peer, srtp_ssrc_type_t direction) {
        static const srtp_err_status_t kStarted = srtp_init();
        benchmark::DoNotOptimize(kStarted);
        const bool gcm = profile == SrtpProfile::AeadAes128Gcm;
        std::array<unsigned char, SRTP_MAX_KEY_LEN> key{};
        std::memcpy(key.data(), &peer, sizeof peer);
        srtp_policy_t policy{};
        for (auto* part : {&policy.rtp, &policy.rtcp}) {
            if (gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(part);
            if (!gcm) srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(part);
        }
        policy.ssrc.type = direction;
        policy.key = key.data();
        policy.window_size = 128;
        srtp_create(&session_, &policy);
    }
    ~Session() { srtp_dealloc(session_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    srtp_t get() { return session_; }

private:
    srtp_t session_ = nullptr;
};

void ours_protect(benchmark::State& state) {
    const std::size_t peers = static_cast<std::size_t>(state.range(1));
    const std::size_t before = mallinfo2().uordblks;
    std::vector<std::unique_ptr<SrtpSender>> senders;
    for (std::size_t i = 0; i < peers; ++i) {
        senders.push_back(std::make_unique<SrtpSender>(profile_of(state), key_of(i)));
    }
    std::size_t next = 0;
    std::uint16_t sequence = 0;
    while (state.KeepRunning()) {
        Buffer buffer = packet(sequence);
        benchmark::DoNotOptimize(senders[next]->protect_rtp(buffer, kPacketBytes));
        if (++next == peers) {
            next = 0;
            ++sequence;
        }
    }
    state.counters["heap_bytes_per_peer"] =
        static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(peers);
}

void libsrtp_protect(benchmark::State& state) {
    const std::size_t peers = static_cast<std::size_t>(state.range(1));
    const std::size_t before = mallinfo2().uordblks;
    std::vector<std::unique_ptr<Session>> sessions;
    for (std::size_t i = 0; i < peers; ++i) {
        sessions.push_back(std::make_unique<Session>(profile_of(state), i, ssrc_any_outbound));
    }
    std::size_t next = 0;
    std::uint16_t sequence = 0;
    while (state.KeepRunning()) {
        Buffer buffer = packet(sequence);
        int size = kPacketBytes;
        benchmark::DoNotOptimize(srtp_protect(sessions[next]->get(), buffer.data(), &size));
        if (++next == peers) {
            next = 0;
            ++sequence;
        }
    }
    state.counters["heap_bytes_per_peer"] =
        static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(peers);
}

/// A round of sequence numbers, sealed once; a fresh receiver every 30,000 packets has not seen
/// them.
std::vector<Buffer> sealed_packets(SrtpProfile profile, std::size_t& size) {
    SrtpSender sender(profile, key_of(0));
    std::vector<Buffer> packets;
    for (std::uint16_t sequence = 0; sequence < 30'000; ++sequence) {
        packets.push_back(packet(sequence));
        size = sender.protect_rtp(packets.back(), kPacketBytes).value();
    }
    return packets;
}

void ours_unprotect(benchmark::State& state) {
    std::size_t size = 0;
    const auto packets = sealed_packets(profile_of(state), size);
    SrtpReceiver receiver(profile_of(state), key_of(0));
    std::size_t next = 0;
    while (state.KeepRunning()) {
        Buffer buffer = packets[next];
        if (!receiver.unprotect_rtp(std::span(buffer).first(size))) state.SkipWithError("refused");
        if (++next == packets.size()) {
            next = 0;
            receiver = SrtpReceiver(profile_of(state), key_of(0));
        }
    }
}

void libsrtp_unprotect(benchmark::State& state) {
    std::size_t size = 0;
    const auto packets = sealed_packets(profile_of(state), size);
    auto session = std::make_unique<Session>(profile_of(state), 0, ssrc_any_inbound);
    std::size_t next = 0;
    while (state.KeepRunning()) {
        Buffer buffer = packets[next];
        int length = static_cast<int>(size);
        if (srtp_unprotect(session->get(), buffer.data(), &length) != srtp_err_status_ok) {
            state.SkipWithError("refused");
        }
        if (++next == packets.size()) {
            next = 0;
            session = std::make_unique<Session>(profile_of(state), 0, ssrc_any_inbound);
        }
    }
}

void profiles_and_peers(benchmark::internal::Benchmark* bench) {
    bench->ArgNames({"gcm", "peers"})->ArgsProduct({{0, 1}, {1, 1000}});
}

BENCHMARK(ours_protect)->Apply(profiles_and_peers);
BENCHMARK(libsrtp_protect)->Apply(profiles_and_peers);
BENCHMARK(ours_unprotect)->ArgName("gcm")->Arg(0)->Arg(1);
BENCHMARK(libsrtp_unprotect)->ArgName("gcm")->Arg(0)->Arg(1);

}  // namespace

BENCHMARK_MAIN();
