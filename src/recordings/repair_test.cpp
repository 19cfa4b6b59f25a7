#include "recordings/repair.hpp"

#include <string>

#include <gtest/gtest.h>

#include "recordings/test_folder.hpp"
#include "recordings/writer.hpp"

namespace hushcast::recordings {
namespace {

namespace fs = std::filesystem;

class Repair : public testing::Test {
protected:
    static std::string id(int number) {
        std::string text = std::to_string(number);
        return std::string(32 - text.size(), '0') + text;
    }
    [[nodiscard]] Paths paths(int number) const { return {folder_.path(), "ada", id(number)}; }
    /// A header that lies, as a kill leaves it, and `bytes` of sound.
    static std::string torn(std::size_t bytes) {
        const WavHeader header = wav_header(1);
        return std::string(header.begin(), header.end()) + std::string(bytes, 'x');
    }
    std::vector<Facts> repair() { return repair_and_list(folder_.path()); }

    TemporaryFolder folder_;
};

TEST_F(Repair, CutsHalfASampleAndSetsTheSizes) {
    put_file(paths(1).part, torn(2001));
    put_file(paths(1).json, to_json({{}, {}, "Tea", "2026-11-20T20:58:00Z", "s"}));
    const auto recordings = repair();
    ASSERT_EQ(recordings.size(), 1U);
    EXPECT_EQ(recordings[0].samples, 1000U);
    EXPECT_EQ(recordings[0].title, "Tea");
    EXPECT_EQ(recordings[0].owner, "ada");
    EXPECT_EQ(samples_of(paths(1).wav).size(), 1000U);
}

TEST_F(Repair, EmptyOnesAndOrphansAreRemoved) {
    put_file(paths(1).part, torn(0));
    put_file(paths(1).json, to_json({{}, {}, "Tea", "2026-11-20T20:58:00Z", "s"}));
    put_file(paths(2).part, "RI");
    put_file(paths(3).json, "{}");
    put_file(folder_.path() / "ada" / (id(4) + ".json.tmp"), "{");
    EXPECT_TRUE(repair().empty());
    EXPECT_TRUE(fs::is_empty(folder_.path() / "ada"));
}

TEST_F(Repair, MakesUpMissingAndCorruptDescriptions) {
    put_file(paths(1).part, torn(2000));
    put_file(paths(2).wav, torn(2000));
    put_file(paths(2).json, "{\"title\": \"Te");
    put_file(paths(3).wav, torn(2000));
    put_file(paths(3).json, std::string(100'000, '['));
    const auto recordings = repair();
    ASSERT_EQ(recordings.size(), 3U);
    for (const Facts& facts : recordings) {
        EXPECT_FALSE(facts.title.empty());
        EXPECT_GT(facts.created_at, "2020") << "from the file's time";
        EXPECT_FALSE(facts.complete);
        const auto written = from_json(content_of(Paths(folder_.path(), "ada", facts.id).json));
        ASSERT_TRUE(written);
        EXPECT_EQ(written->created_at, facts.created_at);
    }
    EXPECT_EQ(repair().size(), 3U) << "and a second start finds them in order";
}

TEST_F(Repair, NeverOverwritesAFinishedRecording) {
    put_file(paths(1).wav, torn(4000));
    put_file(paths(1).part, torn(2000));
    const auto recordings = repair();
    ASSERT_EQ(recordings.size(), 1U);
    EXPECT_EQ(recordings[0].samples, 2000U);
    EXPECT_TRUE(fs::exists(paths(1).part));
}

TEST_F(Repair, LeavesAloneWhatIsNotOurs) {
    put_file(folder_.path() / "ada" / "notes.wav.part", torn(2000));
    put_file(folder_.path() / "ada" / "holiday.wav", torn(2000));
    put_file(folder_.path() / "ada" / "x.json", "{}");
    put_file(folder_.path() / "not an owner" / (id(1) + ".wav.part"), torn(2000));
    put_file(folder_.path() / "loose.wav", torn(2000));
    fs::create_directories(folder_.path() / "ada" / (id(2) + ".wav"));
    put_file(folder_.path() / "secret", torn(2000));
    fs::create_symlink(folder_.path() / "secret", folder_.path() / "ada" / (id(3) + ".wav"));
    fs::create_symlink(folder_.path() / "secret", folder_.path() / "ada" / (id(4) + ".wav.part"));
    fs::create_directory_symlink(folder_.path() / "ada", folder_.path() / "eve");
    EXPECT_TRUE(repair().empty());
    EXPECT_TRUE(fs::exists(folder_.path() / "ada" / "notes.wav.part"));
    EXPECT_TRUE(fs::exists(folder_.path() / "ada" / "x.json"));
    EXPECT_TRUE(fs::exists(folder_.path() / "not an owner" / (id(1) + ".wav.part")));
    EXPECT_EQ(content_of(folder_.path() / "secret"), torn(2000));
}

TEST_F(Repair, ARootThatIsMissingOrAFileIsNoCrash) {
    EXPECT_TRUE(repair_and_list(folder_.path() / "new" / "root").empty());
    EXPECT_TRUE(fs::is_directory(folder_.path() / "new" / "root"));
    put_file(folder_.path() / "file", "x");
    EXPECT_TRUE(repair_and_list(folder_.path() / "file").empty());
}

}  // namespace
}  // namespace hushcast::recordings
