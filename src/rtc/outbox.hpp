// Where state machines leave the datagrams they want sent. Nothing calls back while state is half
// changed: the caller drains the outbox after each call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"

namespace hushcast::rtc {

/// Datagrams in the order they are to be sent, in one reusable block of memory. Not thread-safe.
class Outbox {
public:
    struct Datagram {
        Path path;
        Bytes bytes;
    };

    void send(const Path& path, Bytes bytes) {
        entries_.push_back({path, data_.size(), bytes.size()});
        data_.insert(data_.end(), bytes.begin(), bytes.end());
    }

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Valid until the next send() or clear().
    [[nodiscard]] Datagram operator[](std::size_t index) const {
        const Entry& entry = entries_[index];
        return {entry.path, Bytes(data_).subspan(entry.offset, entry.size)};
    }

    /// Forgets the datagrams, keeps the memory.
    void clear() {
        entries_.clear();
        data_.clear();
    }

private:
    struct Entry {
        Path path;
        std::size_t offset;
        std::size_t size;
    };
    std::vector<Entry> entries_;
    std::vector<std::uint8_t> data_;
};

}  // namespace hushcast::rtc
