// What is known about one recording, its small JSON file, and which names may become paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace hushcast::recordings {

struct Facts {
    std::string id;     ///< is_recording_id()
    std::string owner;  ///< is_owner(); names that differ by case are different owners
    std::string title;
    std::string created_at;  ///< RFC 3339, UTC
    std::string session_id;
    bool denoise = true;
    bool complete = false;      ///< false: cut off by a full disk, a kill or a power cut
    std::uint64_t samples = 0;  ///< at 48 kHz; the length of the sound file says it, not the JSON

    [[nodiscard]] Duration duration() const;
    [[nodiscard]] std::uint64_t size_bytes() const;  ///< of the sound file
};

inline constexpr std::size_t kMaxOwnerBytes = 64;
inline constexpr std::size_t kMaxTitleBytes = 200;
/// Ours have a few hundred bytes; what is larger was not written by us.
inline constexpr std::size_t kMaxFactsBytes = 16'384;

/// 1 to kMaxOwnerBytes of A-Z a-z 0-9 _ . -, not dots alone: safe as the name of a folder.
bool is_owner(std::string_view name);
/// 32 hexadecimal digits in lower case, as make_recording_id() gives them.
bool is_recording_id(std::string_view text);
/// 128 bits from the kernel: nobody guesses the address of a recording.
std::string make_recording_id();

/// The title as it is kept: cut to kMaxTitleBytes between two characters; the time of creation
/// where it is empty or no UTF-8. `created_at` must be valid.
std::string clean_title(std::string_view title, std::string_view created_at);

std::string to_json(const Facts& facts);
/// Without `id`, `owner` and `samples`, which the path and the sound file say.
std::optional<Facts> from_json(std::string_view text);

}  // namespace hushcast::recordings
