#include "recordings/disk_file.hpp"

#include <cerrno>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

namespace hushcast::recordings {

namespace {

constexpr mode_t kFileMode = 0640;  // recordings are private

std::error_code last_error() { return {errno, std::generic_category()}; }

class PosixFile final : public DiskFile {
public:
    explicit PosixFile(int descriptor) : descriptor_(descriptor) {}
    ~PosixFile() override { ::close(descriptor_); }
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    std::size_t write_at(std::uint64_t offset,
                         Bytes bytes,
                         std::error_code& error) noexcept override {
        std::size_t written = 0;
        while (written < bytes.size()) {
            const ssize_t taken =
                ::pwrite(descriptor_, bytes.data() + written, bytes.size() - written,
                         static_cast<off_t>(offset + written));
            if (taken < 0 && errno == EINTR) continue;
            if (taken <= 0) {
                error =
                    taken < 0 ? last_error() : std::make_error_code(std::errc::no_space_on_device);
                break;
            }
            written += static_cast<std::size_t>(taken);
        }
        return written;
    }

    std::error_code sync() noexcept override {
        return ::fdatasync(descriptor_) == 0 ? std::error_code{} : last_error();
    }

private:
    int descriptor_;
};

int open_new(const std::filesystem::path& path, int flags) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, kFileMode);
}

}  // namespace

std::unique_ptr<DiskFile> create_file(const std::filesystem::path& path, std::error_code& error) {
    const int descriptor = open_new(path, O_EXCL);
    if (descriptor < 0) {
        error = last_error();
        return nullptr;
    }
    return std::make_unique<PosixFile>(descriptor);
}

std::error_code replace_file(const std::filesystem::path& path, std::string_view content) {
    std::filesystem::path fresh = path;
    fresh += ".tmp";
    const int descriptor = open_new(fresh, O_TRUNC);
    if (descriptor < 0) return last_error();
    std::error_code error;
    {
        PosixFile file(descriptor);
        const Bytes bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
        file.write_at(0, bytes, error);
        if (!error) error = file.sync();
    }
    if (!error) std::filesystem::rename(fresh, path, error);
    if (error) {
        std::error_code ignored;
        std::filesystem::remove(fresh, ignored);
    }
    return error;
}

std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
    std::ifstream file(path, std::ios::binary);
    std::string content(limit + 1, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    const auto size = static_cast<std::size_t>(file.gcount());
    if (!file.eof() || size > limit) return std::nullopt;
    content.resize(size);
    return content;
}

std::error_code sync_folder(const std::filesystem::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return last_error();
    const std::error_code error = ::fsync(descriptor) == 0 ? std::error_code{} : last_error();
    ::close(descriptor);
    return error;
}

}  // namespace hushcast::recordings
