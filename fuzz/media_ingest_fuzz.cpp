// A publisher that sends whatever it likes whenever it likes, and a server that ticks on. The first
// byte of each command chooses it; time never runs backwards.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "base/bytes.hpp"
#include "media/ingest.hpp"

namespace {

using hushcast::media::Ingest;

void expect(bool held) {
    if (!held) std::abort();
}

hushcast::Bytes payload(hushcast::ByteReader& in) {
    const std::size_t bytes = in.u8();
    return in.bytes(std::min(bytes, in.remaining()));
}

void pull(Ingest& ingest, hushcast::Time now, std::size_t room) {
    std::array<float, Ingest::kMaxHops * Ingest::kHopSamples> out{};
    room = std::min(room, out.size());
    const std::size_t samples = Ingest::kHopSamples * ingest.pull(now, std::span(out).first(room));
    expect(samples <= room);
    expect(std::ranges::all_of(std::span(out).first(samples),
                               [](float sample) { return std::isfinite(sample); }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    hushcast::ByteReader in({data, size});
    Ingest ingest;
    hushcast::Time now = hushcast::Time{} + std::chrono::seconds(1'000);
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::array<std::uint16_t, 8> wanted{};

    while (in.remaining() > 0) {
        const std::uint8_t command = in.u8();
        switch (command % 6) {
            case 0:  // the next packet
                ingest.insert(now, sequence++, timestamp, payload(in));
                timestamp += 960;
                break;
            case 1: {  // a packet from nearby
                const auto near_sequence = static_cast<std::uint16_t>(sequence + in.u8() - 128);
                const std::uint32_t near_timestamp = timestamp + in.u16() - 0x8000U;
                ingest.insert(now, near_sequence, near_timestamp, payload(in));
                break;
            }
            case 2:  // the time line jumps
                sequence = in.u16();
                timestamp = in.u32();
                break;
            case 3: pull(ingest, now, std::size_t{in.u8()} * 120); break;
            case 4:
                expect(ingest.missing(now, std::chrono::milliseconds(in.u16()), wanted) <=
                       wanted.size());
                break;
            default:
                if (command > 250) ingest.reset();
                now += std::chrono::milliseconds(in.u8());
                break;
        }
    }
    return 0;
}
