#include "people/access.hpp"

#include <algorithm>

namespace hushcast::people {

bool is_valid_name(std::string_view name) {
    constexpr std::size_t kShortest = 2;
    constexpr std::size_t kLongest = 32;
    if (name.size() < kShortest || name.size() > kLongest) return false;
    // "." and ".." would name folders.
    if (std::all_of(name.begin(), name.end(), [](char c) { return c == '.'; })) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == '-';
    });
}

bool may(const Viewer& viewer, Action action, std::string_view owner) {
    if (!is_valid_name(owner)) return false;
    if (action == Action::Broadcast) return viewer.name == owner;
    return true;
}

}  // namespace hushcast::people
