// One file over HTTP(S), by libcurl: resumed where it was cut off, bounded in size and time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace hushcast::main {

/// Bytes here so far and in all (0: not known). False stops the download.
using OnBytes = std::function<bool(std::uint64_t done, std::uint64_t total)>;

struct DownloadLimits {
    std::uint64_t max_bytes = 0;
    /// A connection that does not come about, or on which next to nothing moves, for so long is
    /// given up; what came is kept for the next try.
    std::chrono::seconds patience{30};
};

/// A sentence for people, which names the address.
struct DownloadError {
    std::string message;
};

/// Fetches `url` (http or https) into `target`. What is not complete lies at `target`.part, beside
/// it in `target`.part.tag what the server called that version (ETag or date), and a later call
/// goes on from there when the server still has the same one. Cut connections and 5xx answers are
/// tried again a few times. Blocks; call from one thread at a time.
std::optional<DownloadError> download(const std::string& url,
                                      const std::filesystem::path& target,
                                      const DownloadLimits& limits,
                                      const OnBytes& on_bytes);

}  // namespace hushcast::main
