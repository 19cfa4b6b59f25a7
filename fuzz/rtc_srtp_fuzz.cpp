// Bytes from the network into SRTP. The first byte chooses profile and kind; what we seal ourselves
// must open again, what comes from outside must be refused.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "rtc/rtp.hpp"
#include "rtc/srtp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hushcast::rtc;  // NOLINT(google-build-using-namespace): one function
    if (size == 0 || size > kMaxDatagramBytes) return 0;
    const bool is_rtcp = (data[0] & 2) != 0;
    const SrtpProfile profile =
        (data[0] & 1) != 0 ? SrtpProfile::AeadAes128Gcm : SrtpProfile::AesCm128HmacSha1_80;
    SrtpMasterKey key;
    key.key.fill(0x42);
    SrtpSender sender(profile, key);
    SrtpReceiver receiver(profile, key);

    const std::vector<std::uint8_t> plain(data + 1, data + size);
    std::vector<std::uint8_t> packet = plain;
    const auto forged = is_rtcp ? receiver.unprotect_rtcp(packet) : receiver.unprotect_rtp(packet);
    if (forged) std::abort();

    packet = plain;
    packet.resize(plain.size() + kMaxSrtpOverhead);
    const auto sealed = is_rtcp ? sender.protect_rtcp(packet, plain.size())
                                : sender.protect_rtp(packet, plain.size());
    if (!sealed) return 0;
    packet.resize(*sealed);
    const auto opened = is_rtcp ? receiver.unprotect_rtcp(packet) : receiver.unprotect_rtp(packet);
    if (!opened || *opened != plain.size()) std::abort();
    if (!std::equal(plain.begin(), plain.end(), packet.begin())) std::abort();
    return 0;
}
