// A progress bar on standard error, when somebody watches.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace hushcast::main {

/// Draws nothing when standard error is no terminal or `quiet`. Clears its line when it goes.
class ProgressBar {
public:
    explicit ProgressBar(std::string what, bool quiet);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar();

    /// @param total  0 when it is not known.
    void show(Time now, std::uint64_t done, std::uint64_t total);

private:
    std::string what_;
    bool visible_;
    bool drawn_ = false;
    Time next_ = Time::min();
};

}  // namespace hushcast::main
