#include "media/audio_file.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sndfile.h>
#include <unistd.h>

#include "base/bytes.hpp"

namespace hushcast::media {
namespace {

namespace fs = std::filesystem;

struct NamedFormat {
    std::string_view name;
    SampleFormat format;
    int subtype;
    std::size_t bytes;
};
constexpr std::array<NamedFormat, 6> kFormats = {{
    {"pcm8", SampleFormat::Pcm8, SF_FORMAT_PCM_U8, 1},
    {"pcm16", SampleFormat::Pcm16, SF_FORMAT_PCM_16, 2},
    {"pcm24", SampleFormat::Pcm24, SF_FORMAT_PCM_24, 3},
    {"pcm32", SampleFormat::Pcm32, SF_FORMAT_PCM_32, 4},
    {"float32", SampleFormat::Float32, SF_FORMAT_FLOAT, 4},
    {"float64", SampleFormat::Float64, SF_FORMAT_DOUBLE, 8},
}};

const NamedFormat* entry_of(SampleFormat format) {
    const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                     [&](const NamedFormat& it) { return it.format == format; });
    return found == kFormats.end() ? nullptr : found;
}

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

std::string system_message(int error) { return std::generic_category().message(error); }

/// libsndfile's door to one file descriptor. It notes what the system refused, since libsndfile
/// forgets some of it (a header that no longer fits on the disk, say).
struct Descriptor {
    explicit Descriptor(int descriptor) : fd(descriptor) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }

    int close() {
        if (fd < 0) return 0;
        const int result = ::close(std::exchange(fd, -1));
        return result == 0 ? 0 : errno;
    }

    int fd;
    int error = 0;  ///< the first errno
};

Descriptor& descriptor_of(void* user) { return *static_cast<Descriptor*>(user); }

sf_count_t length_of(void* user) {
    const off_t here = ::lseek(descriptor_of(user).fd, 0, SEEK_CUR);
    const off_t end = ::lseek(descriptor_of(user).fd, 0, SEEK_END);
    ::lseek(descriptor_of(user).fd, here, SEEK_SET);
    return end;
}

sf_count_t seek_to(sf_count_t offset, int whence, void* user) {
    return ::lseek(descriptor_of(user).fd, offset, whence);
}

sf_count_t read_some(void* into, sf_count_t count, void* user) {
    Descriptor& file = descriptor_of(user);
    sf_count_t done = 0;
    while (done < count) {
        const ssize_t got = ::read(file.fd, static_cast<char*>(into) + done,
                                   static_cast<std::size_t>(count - done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && file.error == 0) file.error = errno;
        if (got <= 0) break;
        done += got;
    }
    return done;
}

sf_count_t write_all(const void* from, sf_count_t count, void* user) {
    Descriptor& file = descriptor_of(user);
    sf_count_t done = 0;
    while (done < count) {
        const ssize_t put = ::write(file.fd, static_cast<const char*>(from) + done,
                                    static_cast<std::size_t>(count - done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && file.error == 0) file.error = errno;
        if (put <= 0) break;
        done += put;
    }
    return done;
}

sf_count_t position_of(void* user) { return ::lseek(descriptor_of(user).fd, 0, SEEK_CUR); }

// libsndfile copies it, but takes a pointer to non-const.
SF_VIRTUAL_IO descriptor_io() { return {length_of, seek_to, read_some, write_all, position_of}; }

struct SndfileCloser {
    void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};
using SndfilePtr = std::unique_ptr<SNDFILE, SndfileCloser>;

/// The containers we read, by their first bytes. Everything else never reaches libsndfile, which
/// would go on guessing (headerless formats by the extension among them).
bool looks_like_sound(Bytes head) {
    constexpr std::array<std::string_view, 9> kMagics = {"RIFF", "RIFX", "RF64", "riff", "fLaC",
                                                         "OggS", "FORM", ".snd", "caff"};
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    const bool known = std::any_of(kMagics.begin(), kMagics.end(),
                                   [&](std::string_view magic) { return text.starts_with(magic); });
    // MPEG audio begins with an ID3 tag or at once with the 11 set bits of a frame header.
    return known || text.starts_with("ID3") ||
           (head.size() > 1 && head[0] == 0xFF && (head[1] & 0xE0U) == 0xE0U);
}

/// Bytes of sound that a RIFF file promises and does not have; 0 when it has them all.
///
/// libsndfile quietly cuts the length to what is there, so a half copied file would pass for a
/// short one. Programs that write WAV into a pipe cannot know the length and put a number near 2 or
/// 4 GiB there: that is no promise.
std::uint64_t missing_riff_bytes(int fd, std::uint64_t file_bytes) {
    constexpr std::uint64_t kPlaceholder = 0x7FFF'0000;
    constexpr int kMaxChunks = 1'000;  // real files have a dozen
    std::uint64_t at = 12;
    for (int i = 0; i < kMaxChunks; ++i) {
        std::array<std::uint8_t, 8> head{};
        if (::pread(fd, head.data(), head.size(), static_cast<off_t>(at)) != 8) return 0;
        std::uint64_t size = 0;
        for (std::size_t b = 4; b-- > 0;) size = size << 8 | head[4 + b];
        at += head.size();
        if (std::memcmp(head.data(), "data", 4) == 0) {
            return size >= kPlaceholder || at + size <= file_bytes ? 0 : at + size - file_bytes;
        }
        at += size + size % 2;
    }
    return 0;
}

SampleFormat format_of(int sf_format) {
    switch (sf_format & SF_FORMAT_SUBMASK) {
        case SF_FORMAT_PCM_S8:
        case SF_FORMAT_PCM_U8: return SampleFormat::Pcm8;
        case SF_FORMAT_PCM_16:
        case SF_FORMAT_ALAC_16:
        case SF_FORMAT_ULAW:
        case SF_FORMAT_ALAW: return SampleFormat::Pcm16;
        case SF_FORMAT_PCM_24:
        case SF_FORMAT_ALAC_20:
        case SF_FORMAT_ALAC_24: return SampleFormat::Pcm24;
        case SF_FORMAT_PCM_32:
        case SF_FORMAT_ALAC_32: return SampleFormat::Pcm32;
        case SF_FORMAT_FLOAT: return SampleFormat::Float32;
        case SF_FORMAT_DOUBLE: return SampleFormat::Float64;
        default: return SampleFormat::Lossy;
    }
}

int sndfile_format(Container container, SampleFormat format) {
    switch (container) {
        case Container::Wav: return SF_FORMAT_WAV | entry_of(format)->subtype;
        case Container::Flac:
            return SF_FORMAT_FLAC | (format == SampleFormat::Pcm8 ? int{SF_FORMAT_PCM_S8}
                                                                  : entry_of(format)->subtype);
        case Container::OggVorbis: return SF_FORMAT_OGG | SF_FORMAT_VORBIS;
        case Container::OggOpus: return SF_FORMAT_OGG | SF_FORMAT_OPUS;
        case Container::Mp3: return SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
    }
    return 0;
}

}  // namespace

std::optional<SampleFormat> sample_format_named(std::string_view name) {
    for (const NamedFormat& it : kFormats) {
        if (it.name == name) return it.format;
    }
    return std::nullopt;
}

std::string sample_format_names() {
    std::string names;
    for (const NamedFormat& it : kFormats) {
        names += (names.empty() ? "" : ", ") + std::string(it.name);
    }
    return names;
}

std::optional<Container> container_for(const fs::path& path) {
    std::string extension = path.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (extension == ".wav" || extension == ".wave") return Container::Wav;
    if (extension == ".flac") return Container::Flac;
    if (extension == ".ogg" || extension == ".oga") return Container::OggVorbis;
    if (extension == ".opus") return Container::OggOpus;
    if (extension == ".mp3") return Container::Mp3;
    return std::nullopt;
}

bool holds(Container container, SampleFormat format) {
    switch (container) {
        case Container::Wav: return format != SampleFormat::Lossy;
        case Container::Flac:
            return format == SampleFormat::Pcm8 || format == SampleFormat::Pcm16 ||
                   format == SampleFormat::Pcm24;
        default: return format == SampleFormat::Lossy;
    }
}

SampleFormat nearest_format(Container container, SampleFormat wanted) {
    if (holds(container, wanted)) return wanted;
    if (container == Container::Wav) return SampleFormat::Pcm16;
    if (container == Container::Flac) {
        return wanted == SampleFormat::Lossy ? SampleFormat::Pcm16 : SampleFormat::Pcm24;
    }
    return SampleFormat::Lossy;
}

int nearest_rate(Container container, int rate_hz) {
    constexpr int kEveryContainerTakesHz = 48'000;
    const bool opus_rate = rate_hz == 8'000 || rate_hz == 12'000 || rate_hz == 16'000 ||
                           rate_hz == 24'000 || rate_hz == kEveryContainerTakesHz;
    const bool mp3_rate = opus_rate || rate_hz == 11'025 || rate_hz == 22'050 ||
                          rate_hz == 32'000 || rate_hz == 44'100;
    // What FLAC can say in its frame headers, and beyond which libFLAC gives up streaming.
    constexpr int kMaxFlacHz = 655'350;
    switch (container) {
        case Container::OggOpus: return opus_rate ? rate_hz : kEveryContainerTakesHz;
        case Container::Mp3: return mp3_rate ? rate_hz : kEveryContainerTakesHz;
        case Container::OggVorbis: return rate_hz <= 192'000 ? rate_hz : kEveryContainerTakesHz;
        case Container::Flac: return rate_hz <= kMaxFlacHz ? rate_hz : kEveryContainerTakesHz;
        case Container::Wav: break;
    }
    return rate_hz;
}

struct AudioReader::Impl {
    Impl(fs::path name, int fd) : path(std::move(name)), descriptor(fd) {}

    fs::path path;
    Descriptor descriptor;
    SndfilePtr file;  // closed before the descriptor
    AudioInfo info;
    std::uint64_t frames_read = 0;
    std::uint64_t bad_samples = 0;
};

AudioReader::AudioReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;
AudioReader::~AudioReader() = default;

Result<AudioReader, AudioError> AudioReader::open(const fs::path& path) {
    const auto fault = [&](const std::string& what) {
        return AudioError{quoted(path) + " " + what};
    };
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) return fault("does not exist");
    if (fs::is_directory(status)) return fault("is a directory, not a sound file");
    if (status.type() != fs::file_type::none && !fs::is_regular_file(status)) {
        return fault("is not a regular file");
    }
    auto impl = std::make_unique<Impl>(path, ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (impl->descriptor.fd < 0) return fault("cannot be opened: " + system_message(errno));

    std::array<std::uint8_t, 12> head{};
    const ssize_t got = ::pread(impl->descriptor.fd, head.data(), head.size(), 0);
    if (got < 0) return fault("cannot be read: " + system_message(errno));
    if (got == 0) return fault("is empty");
    if (!looks_like_sound(Bytes(head).first(static_cast<std::size_t>(got)))) {
        return fault("is not a sound file that can be read (WAV, FLAC, Ogg, Opus, MP3)");
    }

    SF_INFO sf{};
    SF_VIRTUAL_IO io = descriptor_io();
    impl->file.reset(sf_open_virtual(&io, SFM_READ, &sf, &impl->descriptor));
    if (impl->file == nullptr) {
        return fault("cannot be read as sound: " + std::string(sf_strerror(nullptr)));
    }
    if (sf.samplerate < kMinFileRateHz || sf.samplerate > kMaxFileRateHz) {
        return fault("has a sample rate of " + std::to_string(sf.samplerate) +
                     " Hz; 1 kHz to 768 kHz can be read");
    }
    if (sf.channels < 1 || static_cast<std::size_t>(sf.channels) > kMaxFileChannels) {
        return fault("has " + std::to_string(sf.channels) + " channels; up to " +
                     std::to_string(kMaxFileChannels) + " can be read");
    }
    if (sf.frames <= 0) return fault("holds no sound");
    if (std::memcmp(head.data(), "RIFF", 4) == 0) {
        const auto size = static_cast<std::uint64_t>(length_of(&impl->descriptor));
        if (const std::uint64_t missing = missing_riff_bytes(impl->descriptor.fd, size)) {
            return fault("is cut off: " + std::to_string(missing) +
                         " bytes of its sound are missing");
        }
    }
    const auto frames = static_cast<std::uint64_t>(sf.frames);
    impl->info = {.rate_hz = sf.samplerate,
                  .channels = static_cast<std::size_t>(sf.channels),
                  .format = format_of(sf.format),
                  .frames = sf.frames >= SF_COUNT_MAX ? 0 : frames};
    return AudioReader(std::move(impl));
}

const AudioInfo& AudioReader::info() const { return impl_->info; }
std::uint64_t AudioReader::frames_read() const { return impl_->frames_read; }
std::uint64_t AudioReader::bad_samples() const { return impl_->bad_samples; }

Result<std::size_t, AudioError> AudioReader::read(std::span<float> interleaved) {
    Impl& it = *impl_;
    const std::size_t wanted = interleaved.size() / it.info.channels;
    const sf_count_t got =
        sf_readf_float(it.file.get(), interleaved.data(), static_cast<sf_count_t>(wanted));
    if (it.descriptor.error != 0) {
        return AudioError{quoted(it.path) +
                          " cannot be read: " + system_message(it.descriptor.error)};
    }
    const auto frames = static_cast<std::size_t>(std::max<sf_count_t>(got, 0));
    it.frames_read += frames;
    if (frames < wanted && it.frames_read < it.info.frames) {
        return AudioError{quoted(it.path) + " is cut off or damaged: only " +
                          std::to_string(it.frames_read) + " of its " +
                          std::to_string(it.info.frames) + " frames can be read"};
    }
    for (float& sample : interleaved.first(frames * it.info.channels)) {
        if (std::abs(sample) <= kLoudestSample) continue;  // false for NaN
        sample = 0.0F;
        ++it.bad_samples;
    }
    return frames;
}

struct AudioWriter::Impl {
    Impl(fs::path final_name, fs::path first_name, int fd)
        : target(std::move(final_name)), temporary(std::move(first_name)), descriptor(fd) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        file.reset();
        std::error_code ignored;
        if (!committed && descriptor.fd >= 0) fs::remove(temporary, ignored);
    }

    [[nodiscard]] AudioError fault() const {
        const std::string reason = descriptor.error != 0 ? system_message(descriptor.error)
                                                         : std::string(sf_strerror(file.get()));
        return {quoted(target) + " cannot be written: " + reason};
    }

    fs::path target;
    fs::path temporary;
    Descriptor descriptor;
    SndfilePtr file;
    Settings settings;
    std::vector<int> integers;
    bool committed = false;
};

AudioWriter::AudioWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AudioWriter::AudioWriter(AudioWriter&&) noexcept = default;
AudioWriter& AudioWriter::operator=(AudioWriter&&) noexcept = default;
AudioWriter::~AudioWriter() = default;

Result<AudioWriter, AudioError> AudioWriter::create(const fs::path& path,
                                                    const Settings& settings) {
    const auto fault = [&](const std::string& what) {
        return AudioError{quoted(path) + " " + what};
    };
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) return fault("is a directory");
    if (fs::exists(status) && !fs::is_regular_file(status)) return fault("is not a regular file");
    // A link keeps pointing where it points; what it points at is replaced.
    const fs::path target = fs::exists(status) ? fs::canonical(path, error) : path;

    static std::atomic<unsigned> serial = 0;
    fs::path temporary = target;
    temporary.replace_filename("." + target.filename().string() + "." + std::to_string(::getpid()) +
                               "." + std::to_string(serial++) + ".part");
    constexpr mode_t kAsUmaskAllows = 0666;
    auto impl = std::make_unique<Impl>(
        target, temporary,
        ::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kAsUmaskAllows));
    if (impl->descriptor.fd < 0) return fault("cannot be written: " + system_message(errno));
    impl->settings = settings;

    SF_INFO sf{};
    sf.samplerate = settings.rate_hz;
    sf.channels = static_cast<int>(settings.channels);
    sf.format = sndfile_format(settings.container, settings.format);
    if (settings.container == Container::Wav) {
        constexpr std::uint64_t kMaxWavBytes = 0xFFF0'0000;  // 4 GiB less room for headers
        const std::uint64_t frame = settings.channels * entry_of(settings.format)->bytes;
        if (settings.expected_frames > kMaxWavBytes / frame) {
            sf.format = SF_FORMAT_RF64 | (sf.format & SF_FORMAT_SUBMASK);
        }
    }
    SF_VIRTUAL_IO io = descriptor_io();
    impl->file.reset(sf_open_virtual(&io, SFM_WRITE, &sf, &impl->descriptor));
    if (impl->file == nullptr || impl->descriptor.error != 0) return impl->fault();
    // It carries the time of day, and equal sound should make equal files.
    sf_command(impl->file.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
    sf_command(impl->file.get(), SFC_SET_CLIPPING, nullptr, SF_TRUE);
    return AudioWriter(std::move(impl));
}

std::optional<AudioError> AudioWriter::write(std::span<const float> interleaved) {
    Impl& it = *impl_;
    const auto count = static_cast<sf_count_t>(interleaved.size());
    sf_count_t written = 0;
    const SampleFormat format = it.settings.format;
    if (format == SampleFormat::Float32 || format == SampleFormat::Float64 ||
        format == SampleFormat::Lossy) {
        written = sf_write_float(it.file.get(), interleaved.data(), count);
    } else {
        // libsndfile would truncate; here a sample is rounded to the nearest step of its format.
        const int bits = 8 * static_cast<int>(entry_of(format)->bytes);
        const double top = std::ldexp(1.0, bits - 1);
        it.integers.resize(interleaved.size());
        std::transform(interleaved.begin(), interleaved.end(), it.integers.begin(), [&](float x) {
            const double step = std::clamp(std::nearbyint(double{x} * top), -top, top - 1.0);
            return static_cast<int>(std::ldexp(step, 32 - bits));
        });
        written = sf_write_int(it.file.get(), it.integers.data(), count);
    }
    if (written != count || it.descriptor.error != 0) return it.fault();
    return std::nullopt;
}

std::optional<AudioError> AudioWriter::commit() {
    Impl& it = *impl_;
    SNDFILE* file = it.file.release();
    const int closed = sf_close(file);
    if (it.descriptor.error == 0 && ::fsync(it.descriptor.fd) != 0) it.descriptor.error = errno;
    if (it.descriptor.error != 0) return it.fault();
    if (closed != 0) {
        return AudioError{quoted(it.target) + " cannot be written: " + sf_error_number(closed)};
    }
    std::error_code error;
    fs::rename(it.temporary, it.target, error);
    if (error) return AudioError{quoted(it.target) + " cannot be written: " + error.message()};
    it.committed = true;
    return std::nullopt;
}

}  // namespace hushcast::media
