// Any text as an offer: what is accepted can be answered, and the answer is line for line our own.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rtc/sdp.hpp"

namespace {

/// Nothing of the offer may have opened a line of its own, or brought along a control character.
bool is_clean(std::string_view answer) {
    while (!answer.empty()) {
        const std::size_t end = answer.find("\r\n");
        if (end == std::string_view::npos) return false;
        const std::string_view line = answer.substr(0, end);
        if (line.size() < 3 || line[1] != '=') return false;
        for (const char c : line) {
            if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
        }
        answer.remove_prefix(end + 2);
    }
    return true;
}

}  // namespace

namespace rtc = hushcast::rtc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto offer = rtc::parse_offer(text);
    if (!offer) {
        if (rtc::describe(offer.error()).empty()) std::abort();
        return 0;
    }
    if (offer->audio_index >= offer->sections.size()) std::abort();
    rtc::SdpAnswer answer;
    answer.ice = {"ours", "0123456789abcdefghijkl"};
    answer.candidates = {{hushcast::IpAddress::v4(192, 0, 2, 1), 8000}};
    answer.stream_id = "stream";
    answer.cname = "cname";
    for (const bool receive : {true, false}) {
        answer.receive = receive;
        if (!is_clean(rtc::write_answer(*offer, answer))) std::abort();
    }
    return 0;
}
