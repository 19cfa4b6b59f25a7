// Which set of kernels this CPU can run, and which one an engine gets.
#pragma once

#include <span>
#include <string_view>

#include "denoise/kernels/kernels.hpp"

namespace hushcast::denoise {

/// The tiers this CPU can run, from the slowest to the fastest; never empty.
std::span<const kernels::Table> usable_tiers();

/// The fastest of `usable`, or the one of that name where it is among them: a name that is unknown,
/// or a tier that this CPU lacks, changes nothing.
const kernels::Table& choose_tier(std::span<const kernels::Table> usable, std::string_view wanted);

/// What a new engine uses: the fastest, unless the environment names another (HUSHCAST_CPU=scalar).
const kernels::Table& default_tier();

}  // namespace hushcast::denoise
