#include "main/model_fetch.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>

#include <archive.h>
#include <archive_entry.h>

namespace hushcast::main {
namespace {

namespace fs = std::filesystem;
using denoise::ModelError;
using denoise::ModelInfo;

/// The published archives have 4 to 9 MB, their largest file 7 MB.
constexpr std::uint64_t kMaxArchiveBytes = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{64} << 20U;
constexpr int kMaxEntries = 1'000;

struct ArchiveCloser {
    void operator()(archive* opened) const noexcept { archive_read_free(opened); }
};
using ArchivePtr = std::unique_ptr<archive, ArchiveCloser>;

/// A folder that is gone with everything in it when we are.
class Workshop {
public:
    explicit Workshop(fs::path path) : path_(std::move(path)) { clear(); }
    Workshop(const Workshop&) = delete;
    Workshop& operator=(const Workshop&) = delete;
    ~Workshop() { clear(); }

    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    void clear() const {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    fs::path path_;
};

bool is_address(const std::string& from) { return from.find("://") != std::string::npos; }

std::optional<ModelError> unpack_entry(archive* opened, const fs::path& target) {
    std::ofstream file(target, std::ios::binary | std::ios::trunc);
    std::array<char, 65'536> block{};
    std::uint64_t total = 0;
    for (;;) {
        const la_ssize_t got = archive_read_data(opened, block.data(), block.size());
        if (got < 0) {
            return ModelError{"the archive is damaged at " + target.filename().string()};
        }
        if (got == 0) break;
        total += static_cast<std::uint64_t>(got);
        if (total > kMaxFileBytes) {
            return ModelError{target.filename().string() +
                              " in the archive is larger than any model"};
        }
        file.write(block.data(), got);
    }
    file.close();
    if (!file) return ModelError{target.string() + " cannot be written"};
    return std::nullopt;
}

std::optional<ModelError> copy_files(const ModelInfo& model,
                                     const fs::path& from,
                                     const fs::path& to) {
    for (const denoise::ModelFile& file : model.files) {
        std::error_code error;
        fs::copy_file(from / file.name, to / file.name, error);
        if (error) {
            return ModelError{(from / file.name).string() +
                              " cannot be copied: " + error.message()};
        }
    }
    return std::nullopt;
}

std::optional<ModelError> download_and_unpack(const ModelInfo& model,
                                              const FetchSource& source,
                                              const fs::path& root,
                                              const fs::path& folder,
                                              const OnBytes& on_bytes) {
    std::string url = source.from;
    if (!url.ends_with('/')) url += '/';
    url += model.archive;
    const fs::path archive = root / model.archive;
    if (const auto error = download(
            url, archive, {.max_bytes = kMaxArchiveBytes, .patience = source.patience}, on_bytes)) {
        return ModelError{error->message};
    }
    auto error = unpack_model(model, archive, folder);
    std::error_code ignored;
    fs::remove(archive, ignored);
    if (error) error->message = url + ": " + error->message;
    return error;
}

std::optional<ModelError> gather(const ModelInfo& model,
                                 const FetchSource& source,
                                 const fs::path& root,
                                 const fs::path& folder,
                                 const OnBytes& on_bytes) {
    if (is_address(source.from)) return download_and_unpack(model, source, root, folder, on_bytes);
    const fs::path from = source.from;
    std::error_code error;
    if (fs::is_directory(from / model.directory, error)) {
        return copy_files(model, from / model.directory, folder);
    }
    if (fs::is_regular_file(from / model.archive, error)) {
        return unpack_model(model, from / model.archive, folder);
    }
    return ModelError{"there is neither " + (from / model.directory).string() + " nor " +
                      (from / model.archive).string()};
}

}  // namespace

std::optional<ModelError> unpack_model(const ModelInfo& model,
                                       const fs::path& archive,
                                       const fs::path& folder) {
    const ArchivePtr opened(archive_read_new());
    if (opened == nullptr) return ModelError{"libarchive cannot start"};
    archive_read_support_filter_all(opened.get());
    archive_read_support_format_tar(opened.get());
    constexpr std::size_t kBlockBytes = 65'536;
    if (archive_read_open_filename(opened.get(), archive.c_str(), kBlockBytes) != ARCHIVE_OK) {
        return ModelError{archive.filename().string() + " is not an archive"};
    }

    std::size_t found = 0;
    for (int i = 0; i < kMaxEntries; ++i) {
        archive_entry* entry = nullptr;
        const int result = archive_read_next_header(opened.get(), &entry);
        if (result == ARCHIVE_EOF) break;
        if (result < ARCHIVE_WARN) {
            return ModelError{archive.filename().string() + " is not an archive or is damaged"};
        }
        const char* name = archive_entry_pathname(entry);
        if (name == nullptr || archive_entry_filetype(entry) != AE_IFREG) continue;
        // Only the last part of the name is used, and only when it is one of ours: an archive
        // cannot write anywhere else.
        const std::string base = fs::path(name).filename().string();
        const auto* file =
            std::find_if(model.files.begin(), model.files.end(),
                         [&](const denoise::ModelFile& it) { return it.name == base; });
        if (file == model.files.end()) continue;
        if (auto error = unpack_entry(opened.get(), folder / file->name)) return error;
        ++found;
    }
    if (found < model.files.size()) {
        return ModelError{archive.filename().string() + " lacks files of " +
                          std::string(model.title)};
    }
    return std::nullopt;
}

std::optional<ModelError> fetch_model(const ModelInfo& model,
                                      const FetchSource& source,
                                      const fs::path& root,
                                      const OnBytes& on_bytes) {
    std::error_code error;
    const std::string name(model.directory);
    fs::create_directories(root, error);
    if (error) return ModelError{root.string() + " cannot be made: " + error.message()};
    const Workshop workshop(root / (".fetching-" + name));
    fs::create_directories(workshop.path() / name, error);
    if (error) return ModelError{workshop.path().string() + " cannot be made: " + error.message()};

    if (auto fault = gather(model, source, root, workshop.path() / name, on_bytes)) return fault;
    if (auto fault = denoise::verify_model(model, workshop.path())) {
        fault->message = "what came from " + source.from + " is refused: " + fault->message;
        return fault;
    }
    if (fs::exists(root / name, error)) fs::rename(root / name, workshop.path() / "before", error);
    if (!error) fs::rename(workshop.path() / name, root / name, error);
    if (error) {
        return ModelError{(root / name).string() + " cannot be replaced: " + error.message()};
    }
    return std::nullopt;
}

}  // namespace hushcast::main
