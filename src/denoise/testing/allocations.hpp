// Counts what a test program allocates: linking allocations.cpp replaces its operator new.
#pragma once

#include <cstddef>

namespace hushcast::denoise::testing {

/// Calls of operator new so far, in all threads.
std::size_t allocations();

}  // namespace hushcast::denoise::testing
