// Datagrams on their way out, collected so that the kernel is asked once for many.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "broadcast/sinks.hpp"
#include "rtc/rtp.hpp"

namespace hushcast::broadcast {

/// Fixed memory; sends by itself whenever it is full. One thread.
class SendBatch {
public:
    static constexpr std::size_t kCapacity = 64;

    explicit SendBatch(DatagramSink& sink) : sink_(sink) {}

    /// Room for the next datagram; becomes one with commit(), is forgotten otherwise.
    MutableBytes next() { return data_[size_]; }
    void commit(const Path& path, std::size_t size_bytes) {
        datagrams_[size_] = {path, Bytes(data_[size_]).first(size_bytes)};
        if (++size_ == kCapacity) flush();
    }
    void flush() {
        if (size_ > 0) sink_.send(std::span(datagrams_).first(size_));
        size_ = 0;
    }

private:
    DatagramSink& sink_;
    std::array<std::array<std::uint8_t, rtc::kMaxDatagramBytes>, kCapacity> data_{};
    std::array<OutgoingDatagram, kCapacity> datagrams_{};
    std::size_t size_ = 0;
};

}  // namespace hushcast::broadcast
