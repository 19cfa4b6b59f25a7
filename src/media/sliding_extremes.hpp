// The smallest and the largest of what was measured lately.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace hushcast::media {

/// Over 9 to 10 seconds before the newest value: it follows a rise at once and forgets it after
/// that. The window moves with the values, so that a pause in them forgets nothing.
class SlidingExtremes {
public:
    void record(Time at, Duration value) {
        const std::int64_t bucket = at.time_since_epoch() / kBucketLength;
        if (empty_ || bucket - newest_ >= static_cast<std::int64_t>(kBuckets)) {
            buckets_.fill(Bucket{});
            newest_ = bucket;
            empty_ = false;
        }
        while (newest_ < bucket) buckets_[index(++newest_)] = Bucket{};
        Bucket& into = buckets_[index(newest_)];
        into.min = std::min(into.min, value);
        into.max = std::max(into.max, value);
    }

    /// Zero before the first value, like max().
    [[nodiscard]] Duration min() const {
        if (empty_) return {};
        return std::ranges::min_element(buckets_, {}, &Bucket::min)->min;
    }
    [[nodiscard]] Duration max() const {
        if (empty_) return {};
        return std::ranges::max_element(buckets_, {}, &Bucket::max)->max;
    }
    [[nodiscard]] bool empty() const { return empty_; }
    void clear() { empty_ = true; }

private:
    static constexpr std::size_t kBuckets = 10;
    static constexpr Duration kBucketLength = std::chrono::seconds(1);
    struct Bucket {
        Duration min = Duration::max();
        Duration max = Duration::min();
    };
    static std::size_t index(std::int64_t bucket) {
        return static_cast<std::size_t>(bucket % static_cast<std::int64_t>(kBuckets));
    }

    std::array<Bucket, kBuckets> buckets_{};
    std::int64_t newest_ = 0;
    bool empty_ = true;
};

}  // namespace hushcast::media
