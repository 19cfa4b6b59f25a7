#include "main/progress.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <unistd.h>

namespace hushcast::main {

ProgressBar::ProgressBar(std::string what, bool quiet)
    : what_(std::move(what)), visible_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(Time now, std::uint64_t done, std::uint64_t total) {
    constexpr Duration kRedraw = std::chrono::milliseconds(100);
    constexpr std::uint64_t kCells = 40;
    if (!visible_ || now < next_) return;
    next_ = now + kRedraw;
    drawn_ = true;
    if (total == 0) {
        std::fprintf(stderr, "\r%s …", what_.c_str());
    } else {
        const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
        const auto full = static_cast<std::size_t>(share * static_cast<double>(kCells));
        const std::string bar = std::string(full, '#') + std::string(kCells - full, '.');
        std::fprintf(stderr, "\r%s [%s] %3.0f %%", what_.c_str(), bar.c_str(), 100 * share);
    }
    std::fflush(stderr);
}

}  // namespace hushcast::main
