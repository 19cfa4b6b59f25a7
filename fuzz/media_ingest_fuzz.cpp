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

void expect(bool held) {
    if (!held) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using hushcast::media::Ingest;
    hushcast::ByteReader in({data, size});
    Ingest ingest;
    hushcast::Time now = hushcast::Time{} + std::chrono::seconds(1'000);
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::array<float, Ingest::kMaxHops * Ingest::kHopSamples> out{};
    std::array<std::uint16_t, 8> wanted{};

    while (in.remaining() > 0) {
        const std::uint8_t command = in.u8();
        switch (command % 6) {
            case 0:  // the next packet
                ingest.insert(now, sequence++, timestamp,
                              in.bytes(std::min<std::size_t>(in.u8(), in.remaining())));
                timestamp += 960;
                break;
            case 1:  // a packet from nearby
                ingest.insert(now, static_cast<std::uint16_t>(sequence + in.u8() - 128),
                              timestamp + in.u16() - 0x8000U,
                              in.bytes(std::min<std::size_t>(in.u8(), in.remaining())));
                break;
            case 2:  // the time line jumps
                sequence = in.u16();
                timestamp = in.u32();
                break;
            case 3: {
                const std::size_t room =
                    std::min<std::size_t>(out.size(), std::size_t{in.u8()} * 120);
                const std::size_t hops = ingest.pull(now, std::span(out).first(room));
                expect(hops * Ingest::kHopSamples <= room);
                expect(std::ranges::all_of(std::span(out).first(hops * Ingest::kHopSamples),
                                           [](float sample) { return std::isfinite(sample); }));
                break;
            }
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
