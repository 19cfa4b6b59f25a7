// What happens at start: leftovers of a kill or a power cut become recordings again, and everything
// on the disk is listed.
#pragma once

#include <filesystem>
#include <vector>

#include "recordings/facts.hpp"

namespace hushcast::recordings {

/// Finishes every growing file of an earlier run, removes empty ones and orphaned descriptions,
/// makes up missing or unreadable descriptions, and gives all recordings in no order. What is not
/// ours (other names, links) is left alone. Reports what it did in the log.
std::vector<Facts> repair_and_list(const std::filesystem::path& root);

}  // namespace hushcast::recordings
