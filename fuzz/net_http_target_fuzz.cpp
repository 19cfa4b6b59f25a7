// Everything of a request that we read ourselves: target, ranges, validators.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/range.hpp"
#include "net/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = hushcast::net::parse_target(text)) {
        const std::string path = target->path + '/';
        if (path.front() != '/' || path.find('\0') != std::string::npos ||
            path.find("/../") != std::string::npos || path.find("/./") != std::string::npos) {
            std::abort();
        }
    }
    for (const std::uint64_t length :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 40}) {
        const auto range = hushcast::net::parse_range(text, length);
        if (const auto* part = std::get_if<hushcast::net::ByteRange>(&range)) {
            if (part->first > part->last || part->last >= length) std::abort();
        }
    }
    hushcast::net::matches_etag(text, "\"a\"");
    return 0;
}
