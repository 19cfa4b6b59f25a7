// Answers as bytes: what HTTP adds to the values that handlers give. No sockets, no Beast.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "net/http_server.hpp"

namespace hushcast::net {

/// A file descriptor that closes itself.
class OpenFile {
public:
    OpenFile() = default;
    explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
    OpenFile(OpenFile&& other) noexcept;
    OpenFile& operator=(OpenFile&& other) noexcept;
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();

    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// @return  the bytes read at `offset`; 0 at the end of the file or when the disk fails.
    [[nodiscard]] std::size_t read(std::uint64_t offset, MutableBytes into) const;

private:
    int descriptor_ = -1;
};

/// An answer ready to be sent: its head, and a body in memory or a stretch of a file.
struct Outgoing {
    std::string head;
    std::string body;
    OpenFile file;
    std::uint64_t file_offset = 0;
    std::uint64_t file_bytes = 0;
};

/// What the connection knows about an exchange.
struct Exchange {
    bool head_only = false;  ///< HEAD
    bool keep_alive = false;
    bool http_1_0 = false;
    std::time_t now = 0;
};

/// @param request  for Range, If-Range and If-None-Match when the body is a file.
Outgoing prepare(HttpResponse response, const HttpRequest& request, const Exchange& exchange);

}  // namespace hushcast::net
