// The few file operations recordings need. The interface exists so that tests can fill the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/bytes.hpp"

namespace hushcast::recordings {

class DiskFile {
public:
    virtual ~DiskFile() = default;
    /// Gives how many bytes were written; when fewer than asked, `error` says why.
    virtual std::size_t write_at(std::uint64_t offset,
                                 Bytes bytes,
                                 std::error_code& error) noexcept = 0;
    /// Returns when the bytes would survive a power cut.
    virtual std::error_code sync() noexcept = 0;
};

/// Makes a new file; an existing one, or a link, is an error.
using CreateFile =
    std::function<std::unique_ptr<DiskFile>(const std::filesystem::path&, std::error_code& error)>;

std::unique_ptr<DiskFile> create_file(const std::filesystem::path& path, std::error_code& error);

/// All or nothing: a new file takes the place of the old one, also across a power cut.
std::error_code replace_file(const std::filesystem::path& path, std::string_view content);

/// Nothing when it cannot be read or is larger than `limit`.
std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t limit);

/// Makes renames in `folder` survive a power cut.
std::error_code sync_folder(const std::filesystem::path& folder);

}  // namespace hushcast::recordings
