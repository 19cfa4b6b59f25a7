#include "recordings/facts.hpp"

#include <set>

#include <gtest/gtest.h>

#include "recordings/calendar.hpp"
#include "recordings/wav.hpp"

namespace hushcast::recordings {
namespace {

using namespace std::chrono_literals;

TEST(Calendar, ReadsAndWritesRfc3339) {
    constexpr auto kInstant =
        std::chrono::sys_days(std::chrono::year(2026) / 11 / 20) + 20h + 58min + 7s;
    EXPECT_EQ(parse_rfc3339("2026-11-20T20:58:07Z"), kInstant);
    EXPECT_EQ(parse_rfc3339("2026-11-20T20:58:07.999Z"), kInstant);
    EXPECT_EQ(to_rfc3339(kInstant), "2026-11-20T20:58:07Z");
    EXPECT_EQ(spoken_time(kInstant), "Friday, 20 November 2026, 20:58");
    EXPECT_EQ(to_rfc3339(*parse_rfc3339("2024-02-29T00:00:00Z") + 24h), "2024-03-01T00:00:00Z");
}

TEST(Calendar, RefusesEverythingElse) {
    for (const char* text :
         {"", "Z", "2026-11-20", "2026-11-20T20:58:07", "2026-11-20T20:58:07+01:00",
          "2026-13-20T20:58:07Z", "2026-02-30T20:58:07Z", "2026-11-20T24:58:07Z",
          "2026-11-20T20:60:07Z", "2026-11-20T20:58:-1Z", "2026/11/20T20:58:07Z",
          "2026-11-20T20:58:07.x9Z", "-026-11-20T20:58:07Z", "2026-11-20T20:58:0 Z"}) {
        EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
    }
}

TEST(Owner, IsSafeAsAFolder) {
    for (const char* name : {"ada", "A.b-c_9", "..a", "-", "_"}) {
        EXPECT_TRUE(is_owner(name)) << name;
    }
    for (const char* name :
         {"", ".", "..", "...", "a/b", "../a", "a b", "a\\b", "ä", "a:b", "a\nb"}) {
        EXPECT_FALSE(is_owner(name)) << name;
    }
    EXPECT_TRUE(is_owner(std::string(kMaxOwnerBytes, 'a')));
    EXPECT_FALSE(is_owner(std::string(kMaxOwnerBytes + 1, 'a')));
    EXPECT_FALSE(is_owner(std::string_view("a\0b", 3)));
}

TEST(RecordingId, IsNeverTheSameAndOfOneShape) {
    std::set<std::string> ids;
    for (int i = 0; i < 100; ++i) {
        ids.insert(make_recording_id());
        EXPECT_TRUE(is_recording_id(*ids.rbegin()));
    }
    EXPECT_EQ(ids.size(), 100U);
    for (const char* text :
         {"", "..", "0123456789abcdef0123456789abcdeF", "0123456789abcdef0123456789abcde/",
          "0123456789abcdef0123456789abcdef0"}) {
        EXPECT_FALSE(is_recording_id(text)) << text;
    }
}

TEST(Facts, SurviveJson) {
    Facts facts;
    facts.id = make_recording_id();
    facts.owner = "ada";
    facts.title = "Tea \"and\" \\ größe\n";
    facts.created_at = "2026-11-20T20:58:00Z";
    facts.session_id = "s";
    facts.denoise = false;
    facts.complete = true;
    facts.samples = 96'000;
    const auto read = from_json(to_json(facts));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->title, facts.title);
    EXPECT_EQ(read->created_at, facts.created_at);
    EXPECT_EQ(read->session_id, "s");
    EXPECT_FALSE(read->denoise);
    EXPECT_TRUE(read->complete);
    EXPECT_EQ(facts.duration(), 2s);
    EXPECT_EQ(facts.size_bytes(), 44U + 192'000U);
}

TEST(Facts, RefuseJsonThatIsNotOurs) {
    const std::string good = to_json({{}, "ada", "t", "2026-11-20T20:58:00Z", "s"});
    ASSERT_TRUE(from_json(good));
    for (std::size_t size = 0; size + 1 < good.size(); ++size) {
        EXPECT_FALSE(from_json(good.substr(0, size))) << size;
    }
    EXPECT_FALSE(from_json("[]"));
    EXPECT_FALSE(from_json("{}"));
    EXPECT_FALSE(
        from_json(R"({"title":1,"created_at":2,"session_id":3,"denoise":4,"complete":5})"));
    EXPECT_FALSE(from_json(
        R"({"title":"t","created_at":"soon","session_id":"s","denoise":true,"complete":true})"));
    EXPECT_FALSE(from_json(std::string(1000, '[')));
    EXPECT_FALSE(from_json(good + std::string(kMaxFactsBytes, ' ')));
}

TEST(Title, IsCutBetweenCharactersAndMadeUpWhereThereIsNone) {
    constexpr std::string_view kCreated = "2026-11-20T20:58:00Z";
    EXPECT_EQ(clean_title("Tea", kCreated), "Tea");
    EXPECT_EQ(clean_title("", kCreated), "Friday, 20 November 2026, 20:58");
    EXPECT_EQ(clean_title("\xff\xfe", kCreated), "Friday, 20 November 2026, 20:58");
    const std::string cut = clean_title("a" + std::string(kMaxTitleBytes, 'x') + "ä", kCreated);
    EXPECT_EQ(cut.size(), kMaxTitleBytes);
    const std::string before = clean_title(std::string(kMaxTitleBytes - 1, 'x') + "ää", kCreated);
    EXPECT_EQ(before, std::string(kMaxTitleBytes - 1, 'x'));
}

TEST(Wav, SamplesAreRoundedAndSaturated) {
    EXPECT_EQ(to_pcm16(0.0F), 0);
    EXPECT_EQ(to_pcm16(0.5F), 16'384);
    EXPECT_EQ(to_pcm16(0.6F / 32'768), 1);
    EXPECT_EQ(to_pcm16(-1.0F), -32'768);
    EXPECT_EQ(to_pcm16(1.0F), 32'767);
    EXPECT_EQ(to_pcm16(7.0F), 32'767);
    EXPECT_EQ(to_pcm16(-1e30F), -32'768);
    EXPECT_EQ(to_pcm16(std::numeric_limits<float>::infinity()), 32'767);
    EXPECT_EQ(to_pcm16(std::numeric_limits<float>::quiet_NaN()), 0);
}

}  // namespace
}  // namespace hushcast::recordings
