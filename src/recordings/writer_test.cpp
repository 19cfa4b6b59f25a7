#include "recordings/writer.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "recordings/repair.hpp"
#include "recordings/test_folder.hpp"

namespace hushcast::recordings {
namespace {

namespace fs = std::filesystem;

/// A disk that takes `room` more bytes beyond what was there before.
class SmallDisk {
public:
    explicit SmallDisk(std::uint64_t room) : room_(std::make_shared<std::uint64_t>(room)) {}

    std::unique_ptr<DiskFile> operator()(const fs::path& path, std::error_code& error) const {
        auto file = create_file(path, error);
        return file ? std::make_unique<File>(std::move(file), room_) : nullptr;
    }

private:
    class File final : public DiskFile {
    public:
        File(std::unique_ptr<DiskFile> file, std::shared_ptr<std::uint64_t> room)
            : file_(std::move(file)), room_(std::move(room)) {}

        std::size_t write_at(std::uint64_t offset,
                             Bytes bytes,
                             std::error_code& error) noexcept override {
            const std::uint64_t end = std::max(end_, offset + bytes.size());
            const std::uint64_t growth = std::min(end - end_, *room_);
            const bool full = growth < end - end_;
            const auto taken = static_cast<std::size_t>(end_ + growth - offset);
            const std::size_t written =
                file_->write_at(offset, bytes.first(std::min(bytes.size(), taken)), error);
            end_ += growth;
            *room_ -= growth;
            if (full) error = std::make_error_code(std::errc::no_space_on_device);
            return written;
        }
        std::error_code sync() noexcept override { return file_->sync(); }

    private:
        std::unique_ptr<DiskFile> file_;
        std::shared_ptr<std::uint64_t> room_;
        std::uint64_t end_ = 0;
    };

    std::shared_ptr<std::uint64_t> room_;
};

class Writer : public testing::Test {
protected:
    static constexpr const char* kId = "00000000000000000000000000000001";

    static Facts facts() { return {kId, "ada", "Tea", "2026-11-20T20:58:00Z", "session"}; }
    [[nodiscard]] TrackWriter writer(CreateFile create = create_file) const {
        return {folder_.path(), std::move(create), facts()};
    }
    /// Blocks of one value each, so that a sample tells where it came from.
    void write_blocks(int first, int count) {
        for (int i = first; i < first + count; ++i) {
            track_.write(std::vector<float>(kBlockSamples, static_cast<float>(i) / 32'768));
        }
    }
    [[nodiscard]] Paths paths() const { return {folder_.path(), "ada", kId}; }

    TemporaryFolder folder_;
    Track track_;
};

TEST_F(Writer, WritesWhatItIsGiven) {
    TrackWriter recording = writer();
    write_blocks(1, 3);
    track_.write(std::vector<float>(700, 0.5F));
    EXPECT_TRUE(fs::exists(paths().part));
    recording.finish(track_);
    EXPECT_FALSE(fs::exists(paths().part));
    const auto samples = samples_of(paths().wav);
    ASSERT_EQ(samples.size(), 3 * kBlockSamples + 700);
    EXPECT_EQ(samples[0], 1);
    EXPECT_EQ(samples[2 * kBlockSamples], 3);
    EXPECT_EQ(samples.back(), 16'384);
    ASSERT_EQ(recording.parts().size(), 1U);
    EXPECT_TRUE(recording.parts()[0].complete);
    EXPECT_EQ(recording.parts()[0].samples, samples.size());
    EXPECT_TRUE(from_json(content_of(paths().json))->complete);
}

TEST_F(Writer, WhatTheQueueRefusedIsSilenceAndTheTimeLineStaysTrue) {
    TrackWriter recording = writer();
    const int queued = static_cast<int>(kQueuedBlocks);
    write_blocks(1, queued + 50);
    EXPECT_EQ(track_.refused(), 50 * kBlockSamples);
    recording.drain(track_);
    write_blocks(1000, 1);
    recording.drain(track_);
    write_blocks(1, queued + 7);  // the last ones are refused, and nothing comes after them
    recording.finish(track_);
    const auto samples = samples_of(paths().wav);
    ASSERT_EQ(samples.size(), (kQueuedBlocks + 51 + kQueuedBlocks + 7) * kBlockSamples);
    EXPECT_EQ(samples[kQueuedBlocks * kBlockSamples - 1], queued);
    EXPECT_EQ(samples[kQueuedBlocks * kBlockSamples], 0);
    EXPECT_EQ(samples[(kQueuedBlocks + 50) * kBlockSamples - 1], 0);
    EXPECT_EQ(samples[(kQueuedBlocks + 50) * kBlockSamples], 1000);
    EXPECT_EQ(samples.back(), 0);
}

TEST_F(Writer, AKillCostsNoMoreThanWhatWasNotSynced) {
    TrackWriter recording = writer();
    write_blocks(1, 100);
    recording.drain(track_);
    recording.sync();

    // What lies on the disk now is what a killed process leaves.
    const TemporaryFolder after;
    fs::copy(folder_.path(), after.path(), fs::copy_options::recursive);
    const Paths left(after.path(), "ada", kId);
    EXPECT_EQ(samples_of(left.part).size(), 100 * kBlockSamples) << "playable as it lies";

    const auto recordings = repair_and_list(after.path());
    ASSERT_EQ(recordings.size(), 1U);
    EXPECT_EQ(recordings[0].id, kId);
    EXPECT_EQ(recordings[0].title, "Tea");
    EXPECT_EQ(recordings[0].session_id, "session");
    EXPECT_FALSE(recordings[0].complete);
    EXPECT_EQ(recordings[0].duration(), std::chrono::seconds(1));
    EXPECT_EQ(samples_of(left.wav).size(), 100 * kBlockSamples);
    EXPECT_FALSE(fs::exists(left.part));
}

TEST_F(Writer, AFullDiskEndsTheRecordingWithWhatThereIs) {
    TrackWriter recording = writer(SmallDisk(44 + 2 * kBlockSamples * 2 + 101));
    write_blocks(1, 3);
    recording.drain(track_);
    EXPECT_TRUE(recording.failed());
    write_blocks(4, 5);
    recording.sync();
    recording.finish(track_);
    ASSERT_EQ(recording.parts().size(), 1U);
    EXPECT_FALSE(recording.parts()[0].complete);
    EXPECT_EQ(recording.parts()[0].samples, 2 * kBlockSamples + 50);
    EXPECT_FALSE(from_json(content_of(paths().json))->complete);
    ASSERT_EQ(repair_and_list(folder_.path()).size(), 1U);
}

TEST_F(Writer, ADiskThatTakesNothingLeavesNothing) {
    TrackWriter recording = writer(SmallDisk(20));
    write_blocks(1, 3);
    recording.finish(track_);
    EXPECT_TRUE(recording.failed());
    EXPECT_TRUE(recording.parts().empty());
    EXPECT_TRUE(fs::is_empty(folder_.path() / "ada"));
}

TEST_F(Writer, AFolderThatCannotBeMadeIsAFailureAndNoCrash) {
    put_file(folder_.path() / "ada", "a file where the folder should be");
    TrackWriter recording = writer();
    write_blocks(1, 3);
    recording.drain(track_);
    recording.sync();
    recording.finish(track_);
    EXPECT_TRUE(recording.failed());
    EXPECT_TRUE(recording.parts().empty());
}

TEST_F(Writer, ASilentStreamWithoutSamplesLeavesNothing) {
    TrackWriter recording = writer();
    recording.finish(track_);
    EXPECT_FALSE(recording.failed());
    EXPECT_TRUE(recording.parts().empty());
    EXPECT_TRUE(fs::is_empty(folder_.path() / "ada"));
}

TEST_F(Writer, AFullFileIsContinuedInTheNext) {
    constexpr std::uint64_t kPerFile = 2 * kSampleRateHz;
    TrackWriter recording(folder_.path(), create_file, facts(), kPerFile);
    for (int second = 0; second < 5; ++second) {
        write_blocks(100 * second, 100);
        recording.drain(track_);
    }
    recording.finish(track_);
    const auto& parts = recording.parts();
    ASSERT_EQ(parts.size(), 3U);
    EXPECT_EQ(parts[0].title, "Tea");
    EXPECT_EQ(parts[1].title, "Tea (part 2)");
    EXPECT_EQ(parts[2].title, "Tea (part 3)");
    EXPECT_EQ(parts[1].created_at, "2026-11-20T20:58:02Z");
    EXPECT_EQ(parts[2].created_at, "2026-11-20T20:58:04Z");
    EXPECT_NE(parts[1].id, parts[0].id);
    EXPECT_EQ(parts[2].samples, kPerFile / 2);
    const auto second = samples_of(Paths(folder_.path(), "ada", parts[1].id).wav);
    ASSERT_EQ(second.size(), kPerFile);
    EXPECT_EQ(second[0], 200);
    EXPECT_EQ(repair_and_list(folder_.path()).size(), 3U);
}

}  // namespace
}  // namespace hushcast::recordings
