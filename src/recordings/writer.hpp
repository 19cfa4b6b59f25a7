// The disk thread's end of a recording: from blocks to files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include "recordings/disk_file.hpp"
#include "recordings/facts.hpp"
#include "recordings/track.hpp"
#include "recordings/wav.hpp"

namespace hushcast::recordings {

/// Where a recording and its companions lie, below the root of all recordings.
struct Paths {
    Paths(const std::filesystem::path& root, std::string_view owner, std::string_view id);

    std::filesystem::path folder;
    std::filesystem::path wav;
    std::filesystem::path part;  ///< the sound file while it grows
    std::filesystem::path json;
};

/// Writes one recording, beginning a new file whenever one is full. The first thing that the disk
/// refuses ends it with what there is. Belongs to the disk thread.
class TrackWriter {
public:
    /// `first` says everything but samples and complete. Opens the files.
    TrackWriter(std::filesystem::path root,
                CreateFile create,
                Facts first,
                std::uint64_t samples_per_file = kMaxSamplesPerFile);

    /// Writes what is queued.
    void drain(Track& track);
    /// Makes what was written playable and lasting, should nothing else come.
    void sync();
    /// Drains, fills up to the end of the time line, and gives the files their final names.
    void finish(Track& track);

    [[nodiscard]] bool failed() const { return failed_; }
    /// Finished files, oldest first; those with no sound in them are not kept.
    [[nodiscard]] const std::vector<Facts>& parts() const { return parts_; }

private:
    void begin_file();
    void finish_file();
    void pad_to(std::uint64_t position);
    void append(std::span<const std::int16_t> samples);
    void flush();
    void write_header();
    void fail(std::string_view action, std::error_code error);
    [[nodiscard]] Paths paths() const { return {root_, facts_.owner, facts_.id}; }

    std::filesystem::path root_;
    CreateFile create_;
    std::uint64_t samples_per_file_;
    std::string title_;
    Facts facts_;  ///< of the file being written; `samples` counts what is in it
    std::unique_ptr<DiskFile> file_;
    std::vector<std::int16_t> pending_;
    std::uint64_t position_ = 0;  ///< on the time line of the track
    std::vector<Facts> parts_;
    std::size_t files_ = 0;
    bool failed_ = false;
};

}  // namespace hushcast::recordings
