#include "api/rate_limit.hpp"

#include <algorithm>
#include <chrono>

namespace hushcast::api {

void RateLimit::refill(Time now, Bucket& bucket) const {
    const std::chrono::duration<double> passed = std::max(now - bucket.filled, Duration::zero());
    bucket.tokens = std::min(config_.burst, bucket.tokens + passed.count() * config_.per_second);
    bucket.filled = now;
}

/// A full bucket is as good as none.
void RateLimit::forget_full(Time now) {
    for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
        refill(now, bucket->second);
        bucket =
            bucket->second.tokens >= config_.burst ? buckets_.erase(bucket) : std::next(bucket);
    }
}

bool RateLimit::admit(Time now, const IpAddress& client) {
    auto found = buckets_.find(client);
    if (found == buckets_.end()) {
        if (buckets_.size() >= config_.clients) forget_full(now);
        const IpAddress key = buckets_.size() < config_.clients ? client : IpAddress{};
        found = buckets_.try_emplace(key, Bucket{config_.burst, now}).first;
    }
    Bucket& bucket = found->second;
    refill(now, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
}

}  // namespace hushcast::api
