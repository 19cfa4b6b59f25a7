#include "recordings/library.hpp"

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "recordings/test_folder.hpp"
#include "recordings/track.hpp"

namespace hushcast::recordings {
namespace {

using namespace std::chrono_literals;

broadcast::RecordingInfo info(std::string owner, std::string started_at = "2026-11-20T20:58:00Z") {
    return {"session", std::move(owner), {}, std::move(started_at), true};
}

class LibraryTest : public testing::Test {
protected:
    [[nodiscard]] LibraryConfig config() const {
        LibraryConfig config;
        config.root = folder_.path();
        // Tests must not depend on how fast this machine's disk is.
        config.close_wait = 1min;
        return config;
    }
    static broadcast::RecordingResult record(Library& library,
                                             const broadcast::RecordingInfo& about,
                                             std::size_t samples = 48'000) {
        const auto track = library.open(about);
        track->write(std::vector<float>(samples, 0.25F));
        return library.close(*track);
    }

    TemporaryFolder folder_;
};

TEST_F(LibraryTest, AClosedRecordingIsListedAndFound) {
    Library library(config());
    EXPECT_TRUE(library.list("ada").empty());
    const auto result = record(library, info("ada"));
    EXPECT_TRUE(result.complete);
    EXPECT_EQ(result.duration, 1s);
    ASSERT_EQ(library.list("ada").size(), 1U);
    EXPECT_EQ(library.list("ada")[0].title, "Friday, 20 November 2026, 20:58");
    EXPECT_TRUE(library.list("Ada").empty()) << "another owner";
    const auto found = library.find("ada", result.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->facts.size_bytes(), content_of(found->path).size());
    EXPECT_EQ(samples_of(found->path).size(), 48'000U);
}

TEST_F(LibraryTest, ListsNewestFirstAlsoAfterARestart) {
    std::vector<std::string> ids;
    {
        Library library(config());
        ids.push_back(record(library, info("ada", "2026-11-20T20:00:00Z")).id);
        ids.push_back(record(library, info("ada", "2026-11-22T20:00:00Z")).id);
        ids.push_back(record(library, info("ada", "2026-11-21T20:00:00Z")).id);
        record(library, info("bob"));
        ASSERT_EQ(library.list("ada").size(), 3U);
        EXPECT_EQ(library.list("ada")[0].id, ids[1]);
    }
    Library again(config());
    ASSERT_EQ(again.list("ada").size(), 3U);
    EXPECT_EQ(again.list("ada")[0].id, ids[1]);
    EXPECT_EQ(again.list("ada")[1].id, ids[2]);
    EXPECT_EQ(again.list("ada")[2].id, ids[0]);
    EXPECT_TRUE(again.list("ada")[0].complete);
}

TEST_F(LibraryTest, WhatIsOpenAtTheEndIsFinished) {
    std::shared_ptr<broadcast::RecordingTrack> track;
    {
        Library library(config());
        track = library.open(info("ada"));
        track->write(std::vector<float>(4800, 0.25F));
    }
    track->write(std::vector<float>(4800, 0.25F));  // too late, and harmless
    Library again(config());
    ASSERT_EQ(again.list("ada").size(), 1U);
    EXPECT_EQ(again.list("ada")[0].samples, 4800U);
    EXPECT_TRUE(again.list("ada")[0].complete);
}

TEST_F(LibraryTest, HostileNamesGoNowhere) {
    Library library(config());
    for (const char* owner : {"..", "", "a/b", "../../etc"}) {
        const auto result = record(library, info(owner));
        EXPECT_TRUE(result.id.empty()) << owner;
        EXPECT_FALSE(result.complete);
        EXPECT_TRUE(library.list(owner).empty());
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
    record(library, info("ada"));
    for (const char* id : {"", "..", "../ada", "%2e%2e"}) {
        EXPECT_FALSE(library.find("ada", id)) << id;
    }
    EXPECT_FALSE(library.find("..", "ada"));
}

TEST_F(LibraryTest, ClosingTwiceOrSomethingElseIsNoHarm) {
    Library library(config());
    const auto track = library.open(info("ada"));
    track->write(std::vector<float>(480, 0.25F));
    EXPECT_FALSE(library.close(*track).id.empty());
    EXPECT_TRUE(library.close(*track).id.empty());
    Track stranger;
    EXPECT_TRUE(library.close(stranger).id.empty());
    EXPECT_EQ(library.list("ada").size(), 1U);
}

TEST_F(LibraryTest, AnEmptyRecordingIsNotKept) {
    Library library(config());
    const auto track = library.open(info("ada"));
    const auto result = library.close(*track);
    EXPECT_TRUE(result.id.empty());
    EXPECT_TRUE(result.complete) << "nothing was refused";
    EXPECT_TRUE(library.list("ada").empty());
}

TEST_F(LibraryTest, ARefusingDiskIsToldAndStopsNothing) {
    LibraryConfig refusing = config();
    refusing.create = [](const auto&, std::error_code& error) {
        error = std::make_error_code(std::errc::no_space_on_device);
        return std::unique_ptr<DiskFile>();
    };
    Library library(refusing);
    const auto result = record(library, info("ada"), 10 * 48'000);
    EXPECT_TRUE(result.id.empty());
    EXPECT_FALSE(result.complete);
    EXPECT_TRUE(library.list("ada").empty());
}

TEST_F(LibraryTest, ADiskThatHangsDelaysNobodyAndIsTakenInLater) {
    std::promise<void> released;
    const std::shared_future<void> gate = released.get_future().share();
    LibraryConfig slow = config();
    slow.close_wait = 0s;
    slow.create = [gate](const auto& path, std::error_code& error) {
        gate.wait();
        return create_file(path, error);
    };
    std::string id;
    {
        Library library(slow);
        const auto result = record(library, info("ada"));
        id = result.id;
        EXPECT_FALSE(id.empty());
        EXPECT_EQ(result.duration, 1s);
        EXPECT_FALSE(result.complete) << "nobody knows yet";
        EXPECT_TRUE(library.list("ada").empty());
        released.set_value();
    }
    Library again(config());
    ASSERT_EQ(again.list("ada").size(), 1U);
    EXPECT_EQ(again.list("ada")[0].id, id);
    EXPECT_TRUE(again.list("ada")[0].complete);
}

TEST_F(LibraryTest, WritersOnOtherThreadsLoseNothing) {
    constexpr std::size_t kTracks = 8;
    constexpr std::size_t kBlocks = kQueuedBlocks / 2;
    Library library(config());
    std::vector<std::shared_ptr<broadcast::RecordingTrack>> tracks;
    for (std::size_t i = 0; i < kTracks; ++i) tracks.push_back(library.open(info("ada")));
    std::vector<std::thread> workers;
    for (std::size_t worker = 0; worker < 2; ++worker) {
        workers.emplace_back([&tracks, worker] {
            const std::vector<float> block(kBlockSamples, 0.25F);
            for (std::size_t i = 0; i < kBlocks; ++i) {
                for (std::size_t t = worker; t < kTracks; t += 2) tracks[t]->write(block);
            }
        });
    }
    for (std::thread& worker : workers) worker.join();
    for (const auto& track : tracks) {
        const auto result = library.close(*track);
        EXPECT_TRUE(result.complete);
        EXPECT_EQ(result.duration, 1s);
    }
    EXPECT_EQ(library.list("ada").size(), kTracks);
}

}  // namespace
}  // namespace hushcast::recordings
