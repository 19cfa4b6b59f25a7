// JSON bodies and their fields.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto object = hushcast::api::parse_object({reinterpret_cast<const char*>(data), size});
    if (!object) return 0;
    hushcast::api::Fields fields(object.value());
    const std::string name = fields.text("name");
    fields.truth("denoise", true);
    const auto limit = fields.number("attenuation_limit_db", 0, 100);
    if (fields.fault().empty() && name.empty()) std::abort();
    if (limit && !(*limit >= 0 && *limit <= 100)) std::abort();
    return 0;
}
