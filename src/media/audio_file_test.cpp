#include "media/audio_file.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hushcast::media {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class AudioFileTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "hushcast-audio-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }

    [[nodiscard]] fs::path path(const std::string& name) const { return folder_ / name; }

    fs::path store(const std::string& name, const std::string& bytes) {
        std::ofstream(path(name), std::ios::binary) << bytes;
        return path(name);
    }
    static std::string load(const fs::path& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    void write(const std::string& name,
               const AudioWriter::Settings& settings,
               const std::vector<float>& samples) {
        auto writer = AudioWriter::create(path(name), settings);
        ASSERT_TRUE(writer) << writer.error().message;
        const auto error = writer->write(samples);
        ASSERT_FALSE(error) << error->message;
        const auto unfinished = writer->commit();
        ASSERT_FALSE(unfinished) << unfinished->message;
    }

    /// Everything in a file, read `block_frames` at a time.
    static Result<std::vector<float>, AudioError> read_all(AudioReader& reader,
                                                           std::size_t block_frames = 333) {
        std::vector<float> all;
        std::vector<float> block(block_frames * reader.info().channels);
        for (;;) {
            const auto got = reader.read(block);
            if (!got) return got.error();
            if (*got == 0) return all;
            all.insert(all.end(), block.begin(),
                       block.begin() + static_cast<std::ptrdiff_t>(*got * reader.info().channels));
        }
    }

    /// Why it cannot be read, from opening to the last frame; empty when it can.
    static std::string fault_of(const fs::path& file) {
        auto reader = AudioReader::open(file);
        if (!reader) return reader.error().message;
        const auto all = read_all(*reader);
        return all ? "" : all.error().message;
    }

    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& entry : fs::directory_iterator(folder_)) {
            found.push_back(entry.path().filename());
        }
        return found;
    }

    fs::path folder_;
};

std::vector<float> sound(std::size_t samples) {
    std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same sound each time
    std::uniform_real_distribution<float> level(-0.9F, 0.9F);
    std::vector<float> values(samples);
    for (float& value : values) value = level(random);
    return values;
}

void append(std::string& bytes, std::uint32_t value, int width) {
    for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFFU);
}

/// A WAV of 16 bits (or 32-bit floats), whose header may say anything.
std::string wav(const std::string& data,
                std::uint32_t claimed_bytes,
                std::uint32_t rate_hz = 48'000,
                std::uint32_t channels = 1,
                bool floats = false) {
    const std::uint32_t width = floats ? 4 : 2;
    std::string bytes = "RIFF";
    append(bytes, claimed_bytes > 0xFFFF'FFF0U ? claimed_bytes : claimed_bytes + 36, 4);
    bytes += "WAVEfmt ";
    append(bytes, 16, 4);
    append(bytes, floats ? 3 : 1, 2);
    append(bytes, channels, 2);
    append(bytes, rate_hz, 4);
    append(bytes, rate_hz * channels * width, 4);
    append(bytes, channels * width, 2);
    append(bytes, 8 * width, 2);
    bytes += "data";
    append(bytes, claimed_bytes, 4);
    return bytes + data;
}

std::string wav_of_zeros(std::size_t frames) {
    return wav(std::string(2 * frames, '\0'), static_cast<std::uint32_t>(2 * frames));
}

TEST_F(AudioFileTest, KeepsEveryFormatRateLengthAndChannel) {
    struct Case {
        std::string name;
        AudioWriter::Settings settings;
        float step;  ///< of the format; 0 keeps floats exactly
    };
    const auto wav_of = [](SampleFormat format, float step) {
        return Case{"a.wav", {.container = Container::Wav, .format = format}, step};
    };
    const auto flac_of = [](SampleFormat format, float step) {
        return Case{"a.flac", {.container = Container::Flac, .format = format}, step};
    };
    const auto keeps = [&](const Case& c, const AudioWriter::Settings& settings,
                           std::size_t frames) {
        const std::vector<float> samples = sound(frames * settings.channels);
        write(c.name, settings, samples);
        auto reader = AudioReader::open(path(c.name));
        ASSERT_TRUE(reader) << reader.error().message;
        EXPECT_EQ(reader->info().rate_hz, settings.rate_hz);
        EXPECT_EQ(reader->info().channels, settings.channels);
        EXPECT_EQ(reader->info().format, settings.format);
        EXPECT_EQ(reader->info().frames, frames);
        const auto got = read_all(*reader);
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_THAT(*got, testing::Pointwise(testing::FloatNear(0.5001F * c.step), samples));
    };
    for (const Case& c :
         {wav_of(SampleFormat::Pcm8, 0x1p-7F), wav_of(SampleFormat::Pcm16, 0x1p-15F),
          wav_of(SampleFormat::Pcm24, 0x1p-23F), wav_of(SampleFormat::Pcm32, 0x1p-23F),
          wav_of(SampleFormat::Float32, 0), wav_of(SampleFormat::Float64, 0),
          flac_of(SampleFormat::Pcm8, 0x1p-7F), flac_of(SampleFormat::Pcm16, 0x1p-15F),
          flac_of(SampleFormat::Pcm24, 0x1p-23F)}) {
        AudioWriter::Settings settings = c.settings;
        for (const int rate_hz : {8'000, 44'100, 192'000}) {
            for (const std::size_t channels : {1U, 2U, 8U}) {
                settings.rate_hz = rate_hz;
                settings.channels = channels;
                for (const std::size_t frames : {1U, 479U, 480U, 481U}) keeps(c, settings, frames);
            }
        }
    }
}

TEST_F(AudioFileTest, LossyContainersKeepLengthAndShape) {
    std::vector<float> samples(48'000);
    for (std::size_t n = 0; n < samples.size(); ++n) {
        samples[n] = 0.3F * std::sin(0.05F * static_cast<float>(n));
    }
    for (const std::string name : {"a.ogg", "a.opus", "a.mp3"}) {
        const auto container = container_for(name);
        ASSERT_TRUE(container);
        write(name,
              {.container = *container,
               .format = SampleFormat::Lossy,
               .rate_hz = 48'000,
               .channels = 1},
              samples);
        auto reader = AudioReader::open(path(name));
        ASSERT_TRUE(reader) << reader.error().message;
        EXPECT_EQ(reader->info().format, SampleFormat::Lossy);
        const auto got = read_all(*reader);
        ASSERT_TRUE(got) << got.error().message;
        ASSERT_EQ(got->size(), samples.size()) << name;
        double error = 0;
        for (std::size_t n = 0; n < samples.size(); ++n) {
            error += std::pow((*got)[n] - samples[n], 2);
        }
        EXPECT_LT(error / static_cast<double>(samples.size()), 0.045 / 100) << name;  // 20 dB
    }
}

TEST_F(AudioFileTest, IntegersAreRoundedAndClipped) {
    constexpr float kStep = 1.0F / 32'768;
    write("a.wav", {.rate_hz = 48'000, .channels = 1},
          {0.6F * kStep, -0.6F * kStep, 0.4F * kStep, -0.4F * kStep, 2.0F, -2.0F});
    auto reader = AudioReader::open(path("a.wav"));
    ASSERT_TRUE(reader);
    const auto got = read_all(*reader);
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, testing::ElementsAre(kStep, -kStep, 0, 0, 1 - kStep, -1));
}

TEST_F(AudioFileTest, NothingIsThereBeforeCommit) {
    {
        auto writer = AudioWriter::create(path("a.wav"), {.rate_hz = 48'000, .channels = 1});
        ASSERT_TRUE(writer);
        EXPECT_FALSE(writer->write(sound(1'000)));
        EXPECT_FALSE(fs::exists(path("a.wav")));
    }
    EXPECT_THAT(names(), testing::IsEmpty());
    write("a.wav", {.rate_hz = 48'000, .channels = 1}, sound(10));
    EXPECT_THAT(names(), testing::ElementsAre("a.wav"));
}

TEST_F(AudioFileTest, LinkKeepsPointingAtWhatIsReplaced) {
    store("real.wav", "old");
    fs::create_symlink("real.wav", path("link.wav"));
    write("link.wav", {.rate_hz = 48'000, .channels = 1}, sound(10));
    EXPECT_TRUE(fs::is_symlink(path("link.wav")));
    EXPECT_EQ(fault_of(path("real.wav")), "");
}

TEST_F(AudioFileTest, WavPastFourGigabytesIsBegunAsRf64) {
    write("a.wav", {.rate_hz = 48'000, .channels = 1, .expected_frames = std::uint64_t{3} << 30U},
          sound(10));
    EXPECT_EQ(load(path("a.wav")).substr(0, 4), "RF64");
    EXPECT_EQ(fault_of(path("a.wav")), "");
}

TEST_F(AudioFileTest, OutputThatCannotBeMadeIsAnError) {
    fs::create_directory(path("folder.wav"));
    for (const auto& [name, sentence] :
         {std::pair{"folder.wav", "is a directory"}, {"none/a.wav", "cannot be written"}}) {
        const auto writer = AudioWriter::create(path(name), {.rate_hz = 48'000, .channels = 1});
        ASSERT_FALSE(writer);
        EXPECT_THAT(writer.error().message, HasSubstr(sentence));
    }
}

TEST_F(AudioFileTest, FilesThatAreNoSoundAreErrors) {
    EXPECT_THAT(fault_of(path("missing.wav")), HasSubstr("does not exist"));
    EXPECT_THAT(fault_of(folder_), HasSubstr("is a directory"));
    EXPECT_THAT(fault_of(store("empty.wav", "")), HasSubstr("is empty"));
    EXPECT_THAT(fault_of(store("text.wav", "hello")), HasSubstr("is not a sound file"));
    // By its extension alone libsndfile would read this as headerless sound.
    EXPECT_THAT(fault_of(store("text.vox", std::string(1'000, 'x'))),
                HasSubstr("is not a sound file"));
    EXPECT_THAT(fault_of(store("none.wav", wav_of_zeros(0))), HasSubstr("holds no sound"));
    EXPECT_THAT(fault_of(store("slow.wav", wav("1234", 4, 999))), HasSubstr("999 Hz"));
    EXPECT_THAT(fault_of(store("fast.wav", wav("1234", 4, 768'001))), HasSubstr("768001 Hz"));
    EXPECT_THAT(fault_of(store("wide.wav", wav(std::string(18, 'x'), 18, 48'000, 9))),
                HasSubstr("9 channels"));
}

TEST_F(AudioFileTest, TruncatedFilesAreErrors) {
    const std::string whole = wav_of_zeros(1'000);
    EXPECT_EQ(fault_of(store("a.wav", whole)), "");
    for (std::size_t size = 1; size < whole.size(); size += size < 64 ? 1 : 97) {
        EXPECT_NE(fault_of(store("a.wav", whole.substr(0, size))), "") << size;
    }
    write("a.flac", {.container = Container::Flac, .rate_hz = 48'000, .channels = 1},
          sound(48'000));
    const std::string flac = load(path("a.flac"));
    for (std::size_t size = 1; size < flac.size(); size += flac.size() / 20) {
        EXPECT_NE(fault_of(store("b.flac", flac.substr(0, size))), "") << size;
    }
}

TEST_F(AudioFileTest, EnormousClaimsAreReadAsFarAsTheyGo) {
    for (const std::uint32_t claim : {0xFFFF'FFFFU, 0x7FFF'FFFFU, 0x8000'0000U, 0xFFFF'FF00U}) {
        auto reader = AudioReader::open(store("a.wav", wav(std::string(2'000, 'x'), claim)));
        ASSERT_TRUE(reader) << reader.error().message;
        const auto all = read_all(*reader);
        ASSERT_TRUE(all) << all.error().message;
        EXPECT_EQ(all->size(), 1'000U) << claim;
    }
}

TEST_F(AudioFileTest, WhatIsNoNumberIsSilenceAndCounted) {
    std::string data;
    for (const float value : {0.5F, std::nanf(""), std::numeric_limits<float>::infinity(),
                              -std::numeric_limits<float>::infinity(), 1e30F, -0.5F}) {
        append(data, std::bit_cast<std::uint32_t>(value), 4);
    }
    auto reader = AudioReader::open(store("a.wav", wav(data, 24, 48'000, 1, true)));
    ASSERT_TRUE(reader) << reader.error().message;
    const auto got = read_all(*reader);
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, testing::ElementsAre(0.5F, 0, 0, 0, 0, -0.5F));
    EXPECT_EQ(reader->bad_samples(), 4U);
}

TEST_F(AudioFileTest, RandomBytesBehindEveryMagicAreValuesNotCrashes) {
    std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same bytes each time
    std::uniform_int_distribution<int> byte(0, 255);
    int refused = 0;
    int tried = 0;
    for (const std::string magic : {"RIFF\xFF\xFF\x01\x00WAVEfmt ", "RF64", "riff", "fLaC", "OggS",
                                    "FORM", ".snd", "caff", "ID3", "\xFF\xFB"}) {
        for (int i = 0; i < 20; ++i) {
            std::string bytes = magic;
            for (int n = 0; n < 2'000; ++n) bytes += static_cast<char>(byte(random));
            ++tried;
            if (!fault_of(store("a.wav", bytes)).empty()) ++refused;
        }
    }
    EXPECT_GT(refused, tried / 2);
}

TEST(AudioFormats, ContainersByExtension) {
    EXPECT_EQ(container_for("a/b.WAV"), Container::Wav);
    EXPECT_EQ(container_for("b.flac"), Container::Flac);
    EXPECT_EQ(container_for("b.oga"), Container::OggVorbis);
    EXPECT_EQ(container_for("b.opus"), Container::OggOpus);
    EXPECT_EQ(container_for("b.Mp3"), Container::Mp3);
    EXPECT_EQ(container_for("wav"), std::nullopt);
    EXPECT_EQ(container_for("b.aiff"), std::nullopt);
}

TEST(AudioFormats, NearestIsTheSameWhereItFits) {
    EXPECT_EQ(nearest_format(Container::Wav, SampleFormat::Pcm24), SampleFormat::Pcm24);
    EXPECT_EQ(nearest_format(Container::Wav, SampleFormat::Lossy), SampleFormat::Pcm16);
    EXPECT_EQ(nearest_format(Container::Flac, SampleFormat::Float32), SampleFormat::Pcm24);
    EXPECT_EQ(nearest_format(Container::Flac, SampleFormat::Lossy), SampleFormat::Pcm16);
    EXPECT_EQ(nearest_format(Container::Mp3, SampleFormat::Pcm16), SampleFormat::Lossy);
    EXPECT_EQ(nearest_rate(Container::Wav, 44'100), 44'100);
    EXPECT_EQ(nearest_rate(Container::OggOpus, 44'100), 48'000);
    EXPECT_EQ(nearest_rate(Container::OggOpus, 16'000), 16'000);
    EXPECT_EQ(nearest_rate(Container::Mp3, 96'000), 48'000);
}

}  // namespace
}  // namespace hushcast::media
