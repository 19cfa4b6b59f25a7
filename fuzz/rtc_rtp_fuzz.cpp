// Bytes from the network through the RTP parser.
#include <cstdlib>

#include "rtc/rtp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hushcast::rtc;  // NOLINT(google-build-using-namespace): one function
    const auto packet = parse_rtp({data, size});
    if (!packet) return 0;
    if (packet->payload.size() + packet->extension.size() + kRtpHeaderBytes > size) std::abort();
    for (const unsigned id : {0U, 1U, 14U, 15U, 255U}) {
        const auto level = audio_level_dbov(*packet, static_cast<std::uint8_t>(id));
        if (level && *level > 127) std::abort();
    }
    return 0;
}
