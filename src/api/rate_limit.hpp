// How often one client may change something: a token bucket each, in a bounded table.
#pragma once

#include <cstddef>
#include <map>

#include "base/endpoint.hpp"
#include "base/time.hpp"

namespace hushcast::api {

struct RateLimitConfig {
    double per_second = 50;       ///< a person clicks, a page signals: far below
    double burst = 500;           ///< a room full of people behind one address joins at once
    std::size_t clients = 4'096;  ///< table size; whoever does not fit shares one bucket
};

class RateLimit {
public:
    explicit RateLimit(const RateLimitConfig& config) : config_(config) {}

    /// Takes a token of `client` (net::client_network()); false when it has none left.
    bool admit(Time now, const IpAddress& client);

private:
    struct Bucket {
        double tokens = 0;
        Time filled;
    };

    void refill(Time now, Bucket& bucket) const;
    void forget_full(Time now);

    RateLimitConfig config_;
    std::map<IpAddress, Bucket> buckets_;
};

}  // namespace hushcast::api
