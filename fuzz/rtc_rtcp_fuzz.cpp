// Bytes from the network through the RTCP parser and what becomes of them.
#include <cstdlib>

#include "rtc/rtcp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hushcast::rtc;  // NOLINT(google-build-using-namespace): one function
    const auto packet = parse_rtcp({data, size});
    if (!packet) return 0;
    if (packet->nacks.size() > RtcpPacket::kMaxNacks) std::abort();
    if (packet->reports.size() * 24 > size || packet->goodbyes.size() * 4 > size) std::abort();

    std::array<std::uint8_t, kMaxDatagramBytes> out{};
    for (const ReportBlock& block : packet->reports) {
        const auto trip = round_trip(block, 0x0123'4567'89ab'cdef);
        if (trip && *trip < hushcast::Duration{}) std::abort();
        const std::size_t written = write_receiver_report(out, 1, block, "c");
        const auto again = parse_rtcp(hushcast::Bytes(out).first(written));
        if (!again || again->reports.size() != 1) std::abort();
        if (again->reports[0].cumulative_lost != block.cumulative_lost) std::abort();
    }
    if (const std::size_t written = write_nack(out, 1, 2, packet->nacks); written > 0) {
        if (!parse_rtcp(hushcast::Bytes(out).first(written))) std::abort();
    }
    if (packet->sender) {
        RtpReceiveStats stats;
        RtpPacket first;
        first.ssrc = packet->sender->ssrc;
        stats.on_packet({}, first);
        stats.on_sender_report({}, *packet->sender);
        if (!stats.report({})) std::abort();
    }
    return 0;
}
