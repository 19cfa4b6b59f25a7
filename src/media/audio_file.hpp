// Sound files, read and written block by block in constant memory. libsndfile is behind it and is
// seen nowhere else. Samples are interleaved floats, full scale -1..1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace hushcast::media {

/// Below 1 kHz there is no speech, above 768 kHz no recorder: such a header is a lie.
inline constexpr int kMinFileRateHz = 1'000;
inline constexpr int kMaxFileRateHz = 768'000;
inline constexpr std::size_t kMaxFileChannels = 8;  ///< 7.1, the widest common layout
/// 120 dB over full scale. Louder is no sound but a damaged file, and its squares would overflow.
inline constexpr float kLoudestSample = 1e6F;

enum class Container { Wav, Flac, OggVorbis, OggOpus, Mp3 };
enum class SampleFormat { Pcm8, Pcm16, Pcm24, Pcm32, Float32, Float64, Lossy };

/// "pcm16", "float32", …; nothing for an unknown name. Lossy has no name: a container implies it.
std::optional<SampleFormat> sample_format_named(std::string_view name);
/// All names, for help texts: "pcm8, pcm16, …".
std::string sample_format_names();
/// By the extension (.wav, .flac, .ogg or .oga, .opus, .mp3, in any case); nothing for another.
std::optional<Container> container_for(const std::filesystem::path& path);

/// The format in which `container` keeps the most of sound stored as `wanted`: WAV takes everything
/// (lossy sound becomes pcm16), FLAC integers up to 24 bits, the others are lossy.
SampleFormat nearest_format(Container container, SampleFormat wanted);
/// Whether `container` can hold exactly `format`.
bool holds(Container container, SampleFormat format);
/// `rate_hz` where `container` takes it, 48 kHz where it does not (Opus at 44.1 kHz, MP3 at 96).
int nearest_rate(Container container, int rate_hz);

/// A sentence for people, which names the file.
struct AudioError {
    std::string message;
};

struct AudioInfo {
    int rate_hz = 0;
    std::size_t channels = 0;
    SampleFormat format = SampleFormat::Pcm16;
    /// What the header promises; 0 where it does not say.
    std::uint64_t frames = 0;
};

/// WAV (with RF64 and W64), FLAC, Ogg Vorbis, Ogg Opus, MP3, AIFF, AU or CAF. Not thread-safe.
class AudioReader {
public:
    static Result<AudioReader, AudioError> open(const std::filesystem::path& path);
    AudioReader(AudioReader&&) noexcept;
    AudioReader& operator=(AudioReader&&) noexcept;
    ~AudioReader();

    [[nodiscard]] const AudioInfo& info() const;
    /// Reads up to interleaved.size() / channels frames and gives how many; 0 at the end. A file
    /// that ends before its header said is an error at the place where it ends.
    Result<std::size_t, AudioError> read(std::span<float> interleaved);
    [[nodiscard]] std::uint64_t frames_read() const;
    /// Samples that were NaN, infinite or beyond kLoudestSample, and were read as silence.
    [[nodiscard]] std::uint64_t bad_samples() const;

private:
    struct Impl;
    explicit AudioReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Writes under a temporary name beside the target; commit() gives it the target's name, and
/// without commit() nothing is left. Not thread-safe.
class AudioWriter {
public:
    struct Settings {
        Container container = Container::Wav;
        SampleFormat format = SampleFormat::Pcm16;  ///< one that the container holds
        int rate_hz = 0;
        std::size_t channels = 0;
        /// About how many frames will come: a WAV past 4 GiB must be begun as RF64.
        std::uint64_t expected_frames = 0;
    };

    static Result<AudioWriter, AudioError> create(const std::filesystem::path& path,
                                                  const Settings& settings);
    AudioWriter(AudioWriter&&) noexcept;
    AudioWriter& operator=(AudioWriter&&) noexcept;
    ~AudioWriter();

    /// Whole frames. Integer formats are rounded and clipped; floats go as they are.
    std::optional<AudioError> write(std::span<const float> interleaved);
    /// Finishes the file; call once, write nothing after it.
    std::optional<AudioError> commit();

private:
    struct Impl;
    explicit AudioWriter(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hushcast::media
