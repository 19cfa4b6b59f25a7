#include "recordings/repair.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hpp"
#include "recordings/calendar.hpp"
#include "recordings/disk_file.hpp"
#include "recordings/wav.hpp"
#include "recordings/writer.hpp"

namespace hushcast::recordings {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWav = ".wav";
constexpr std::string_view kPart = ".wav.part";
constexpr std::string_view kJson = ".json";
constexpr std::string_view kFreshJson = ".json.tmp";

std::vector<fs::path> entries(const fs::path& folder) {
    std::vector<fs::path> found;
    std::error_code error;
    // Collected first: what follows renames and removes.
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        found.push_back(it->path());
    }
    if (error) log::error("recordings_unreadable", {{"error", error.message()}});
    return found;
}

bool is_regular(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(fs::symlink_status(path, error));
}

void discard(const fs::path& path) {
    std::error_code error;
    fs::remove(path, error);
}

/// The id when `path` is named `<id><suffix>`.
std::optional<std::string> id_of(const fs::path& path, std::string_view suffix) {
    const std::string name = path.filename().string();
    if (name.size() <= suffix.size() || !name.ends_with(suffix)) return std::nullopt;
    std::string id = name.substr(0, name.size() - suffix.size());
    if (!is_recording_id(id)) return std::nullopt;
    return id;
}

std::uint64_t samples_in(const fs::path& path) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(path, error);
    return error || size < kWavHeaderBytes ? 0 : (size - kWavHeaderBytes) / kBytesPerSample;
}

/// Gives the header the real length and cuts half a sample off the end.
std::error_code mend(const fs::path& path, std::uint64_t samples) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) return {errno, std::generic_category()};
    const WavHeader header = wav_header(samples);
    const auto size = static_cast<off_t>(kWavHeaderBytes + samples * kBytesPerSample);
    const bool mended = ::pwrite(descriptor, header.data(), header.size(), 0) ==
                            static_cast<ssize_t>(header.size()) &&
                        ::ftruncate(descriptor, size) == 0 && ::fsync(descriptor) == 0;
    const std::error_code error =
        mended ? std::error_code{} : std::error_code{errno, std::generic_category()};
    ::close(descriptor);
    return error;
}

void finish_part(const fs::path& root, std::string_view owner, const std::string& id) {
    const Paths at(root, owner, id);
    const std::uint64_t samples = samples_in(at.part);
    if (samples == 0) {
        log::info("recording_empty_removed", {{"owner", owner}, {"id", id}});
        discard(at.part);
        return;
    }
    std::error_code error;
    if (fs::exists(at.wav, error)) return;  // never over a finished one
    error = mend(at.part, samples);
    if (!error) fs::rename(at.part, at.wav, error);
    if (error) {
        log::error("recording_not_repaired",
                   {{"owner", owner}, {"id", id}, {"error", error.message()}});
    } else {
        log::info("recording_repaired", {{"owner", owner}, {"id", id}, {"samples", samples}});
    }
}

std::chrono::sys_seconds modified(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    return std::chrono::sys_seconds(std::chrono::seconds(status.st_mtime));
}

Facts describe(const fs::path& root, std::string_view owner, const std::string& id) {
    const Paths at(root, owner, id);
    const std::uint64_t samples = samples_in(at.wav);
    std::optional<Facts> facts;
    if (const auto text = read_file(at.json, kMaxFactsBytes); text && is_regular(at.json)) {
        facts = from_json(*text);
    }
    const bool known = facts.has_value();
    if (!known) {
        // The file was last touched when its sound ended.
        const auto length = std::chrono::duration_cast<std::chrono::seconds>(duration_of(samples));
        facts.emplace();
        facts->created_at = to_rfc3339(modified(at.wav) - length);
        facts->title = clean_title({}, facts->created_at);
    }
    facts->id = id;
    facts->owner = owner;
    facts->samples = samples;
    if (!known) {
        const std::error_code error = replace_file(at.json, to_json(*facts));
        log::warning("recording_described_anew",
                     {{"owner", owner}, {"id", id}, {"written", !error}});
    }
    return *facts;
}

/// Parts are finished and half-written descriptions removed.
void clear_leftovers(const fs::path& root, const std::string& owner) {
    for (const fs::path& path : entries(root / owner)) {
        if (!is_regular(path)) continue;
        if (const auto id = id_of(path, kPart)) finish_part(root, owner, *id);
        if (id_of(path, kFreshJson)) discard(path);
    }
}

bool is_orphan(const Paths& at) {
    std::error_code error;
    return !fs::exists(at.wav, error) && !fs::exists(at.part, error);
}

void list_owner(const fs::path& root, const std::string& owner, std::vector<Facts>& recordings) {
    for (const fs::path& path : entries(root / owner)) {
        if (!is_regular(path)) continue;
        if (const auto id = id_of(path, kWav); id && samples_in(path) > 0) {
            recordings.push_back(describe(root, owner, *id));
        }
        if (const auto id = id_of(path, kJson); id && is_orphan(Paths(root, owner, *id))) {
            discard(path);
        }
    }
}

}  // namespace

std::vector<Facts> repair_and_list(const fs::path& root) {
    std::vector<Facts> recordings;
    std::error_code error;
    fs::create_directories(root, error);
    for (const fs::path& folder : entries(root)) {
        const std::string owner = folder.filename().string();
        if (!is_owner(owner) || !fs::is_directory(fs::symlink_status(folder, error))) continue;
        clear_leftovers(root, owner);
        list_owner(root, owner, recordings);
    }
    return recordings;
}

}  // namespace hushcast::recordings
