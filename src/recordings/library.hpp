// All recordings: where streams are written to, and the catalogue of what there is.
// docs/recordings.md.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/time.hpp"
#include "broadcast/sinks.hpp"
#include "recordings/disk_file.hpp"
#include "recordings/facts.hpp"
#include "recordings/wav.hpp"

namespace hushcast::recordings {

struct LibraryConfig {
    std::filesystem::path root;  ///< recordings lie in `<root>/<owner>/`
    CreateFile create = create_file;
    std::uint64_t samples_per_file = kMaxSamplesPerFile;
    /// How long close() waits for the disk; what comes later appears in the catalogue by itself.
    Duration close_wait = std::chrono::seconds(1);
};

/// One recording and its sound file.
struct Found {
    Facts facts;
    std::filesystem::path path;
};

/// Every member is called from the network thread; files are touched by a disk thread of its own,
/// except in the constructor, which repairs what an earlier run left and reads the catalogue.
class Library final : public broadcast::Recorder {
public:
    explicit Library(LibraryConfig config);
    /// Finishes what is still open, however long the disk takes.
    ~Library() override;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    std::shared_ptr<broadcast::RecordingTrack> open(const broadcast::RecordingInfo& info) override;
    /// Of a stream so long that it has several files: the first one's id and the whole duration.
    broadcast::RecordingResult close(broadcast::RecordingTrack& track) override;

    /// Finished recordings, newest first; valid until the next call of any member.
    const std::vector<Facts>& list(std::string_view owner);
    std::optional<Found> find(std::string_view owner, std::string_view id);

private:
    struct Job;

    void run();
    /// Disk thread: finishes the job and says so.
    void finish(Job& job);
    void take_in_finished();
    void add(Facts facts);

    LibraryConfig config_;
    // Network thread.
    std::map<std::string, std::vector<Facts>, std::less<>> catalogue_;
    std::vector<std::shared_ptr<Job>> open_;
    // Both, under the mutex.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    std::vector<std::shared_ptr<Job>> arriving_;
    std::vector<Facts> finished_;
    bool attention_ = false;
    bool stopping_ = false;
    // Last, so that it starts when everything else is there.
    std::thread disk_;
};

}  // namespace hushcast::recordings
