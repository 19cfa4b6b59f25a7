// Any bytes as a sound file: what is read is bounded, finite and whole frames.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "media/audio_file.hpp"

namespace media = hushcast::media;

namespace {
/// A few bytes may stand for hours of FLAC silence; beyond this nothing new is learnt.
constexpr std::uint64_t kMaxFrames = 1'000'000;
constexpr std::size_t kBlockFrames = 1'000;

void read_through(media::AudioReader& reader) {
    const media::AudioInfo info = reader.info();
    if (info.channels < 1 || info.channels > media::kMaxFileChannels ||
        info.rate_hz < media::kMinFileRateHz || info.rate_hz > media::kMaxFileRateHz) {
        std::abort();
    }
    std::vector<float> block(kBlockFrames * info.channels);
    while (reader.frames_read() < kMaxFrames) {
        const auto got = reader.read(block);
        if (!got) {
            if (got.error().message.empty()) std::abort();
            return;
        }
        if (*got > kBlockFrames) std::abort();
        for (std::size_t n = 0; n < *got * info.channels; ++n) {
            if (!(std::abs(block[n]) <= media::kLoudestSample)) std::abort();
        }
        if (*got == 0) return;
    }
}
}  // namespace

/// libsndfile 1.2.0 forgets the Vorbis headers of a damaged Ogg file: 6 kB, in a program that opens
/// one. twice.
extern "C" const char* __lsan_default_suppressions() {  // NOLINT: LeakSanitizer's own name
    return "leak:libvorbis\n";
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const int fd = ::memfd_create("sound", MFD_CLOEXEC);
    if (fd < 0) std::abort();
    if (::write(fd, data, size) == static_cast<ssize_t>(size)) {
        auto reader = media::AudioReader::open("/proc/self/fd/" + std::to_string(fd));
        if (reader) read_through(*reader);
    }
    ::close(fd);
    return 0;
}
