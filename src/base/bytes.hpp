// Bounded reading and writing of big-endian bytes from outside. No struct is ever cast onto a
// packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace hushcast {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// Reads from a span. The first read past the end latches a failure: from then on every read gives
/// zeros or an empty span and ok() is false, so a parser may read a whole header and check once.
class ByteReader {
public:
    explicit ByteReader(Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
    [[nodiscard]] Bytes rest() const { return rest_; }

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(number(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }

    Bytes bytes(std::size_t count) {
        if (count > rest_.size()) {
            fail();
            return {};
        }
        const Bytes taken = rest_.first(count);
        rest_ = rest_.subspan(count);
        return taken;
    }
    void skip(std::size_t count) { bytes(count); }

private:
    std::uint64_t number(std::size_t width) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : bytes(width)) value = value << 8 | byte;
        return value;
    }
    void fail() {
        ok_ = false;
        rest_ = {};
    }

    Bytes rest_;
    bool ok_ = true;
};

/// Writes into a span of fixed size; the first write past the end latches a failure.
class ByteWriter {
public:
    explicit ByteWriter(MutableBytes out) : out_(out) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] Bytes written() const { return out_.first(size_); }

    void u8(std::uint8_t value) { number(value, 1); }
    void u16(std::uint16_t value) { number(value, 2); }
    void u24(std::uint32_t value) { number(value, 3); }
    void u32(std::uint32_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }

    void bytes(Bytes value) {
        if (!reserve(value.size())) return;
        if (!value.empty()) std::memcpy(out_.data() + size_, value.data(), value.size());
        size_ += value.size();
    }
    void fill(std::uint8_t value, std::size_t count) {
        if (!reserve(count)) return;
        std::memset(out_.data() + size_, value, count);
        size_ += count;
    }

private:
    bool reserve(std::size_t count) {
        ok_ = ok_ && count <= out_.size() - size_;
        return ok_;
    }
    void number(std::uint64_t value, std::size_t width) {
        if (!reserve(width)) return;
        for (std::size_t i = width; i-- > 0;) {
            out_[size_++] = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }

    MutableBytes out_;
    std::size_t size_ = 0;
    bool ok_ = true;
};

}  // namespace hushcast
