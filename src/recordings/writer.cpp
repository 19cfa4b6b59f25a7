#include "recordings/writer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "recordings/calendar.hpp"

namespace hushcast::recordings {

namespace {

/// Written at once: a fifth of a second, more only when the disk had fallen behind.
constexpr std::size_t kPendingSamples = 9'600;

static_assert(std::endian::native == std::endian::little, "samples go to the WAV file as they lie");

Bytes as_bytes(std::span<const std::int16_t> samples) {
    return {reinterpret_cast<const std::uint8_t*>(samples.data()), samples.size_bytes()};
}

}  // namespace

Paths::Paths(const std::filesystem::path& root, std::string_view owner, std::string_view id)
    : folder(root / owner),
      wav(folder / (std::string(id) + ".wav")),
      part(folder / (std::string(id) + ".wav.part")),
      json(folder / (std::string(id) + ".json")) {}

TrackWriter::TrackWriter(std::filesystem::path root,
                         CreateFile create,
                         Facts first,
                         std::uint64_t samples_per_file)
    : root_(std::move(root)),
      create_(std::move(create)),
      samples_per_file_(samples_per_file),
      title_(first.title),
      facts_(std::move(first)) {
    pending_.reserve(kPendingSamples);
    begin_file();
}

void TrackWriter::begin_file() {
    const Paths at = paths();
    ++files_;
    facts_.samples = 0;
    facts_.complete = false;
    std::error_code error;
    std::filesystem::create_directories(at.folder, error);
    if (!error) file_ = create_(at.part, error);
    if (error) return fail("create", error);
    write_header();
    error = replace_file(at.json, to_json(facts_));
    if (error) fail("describe", error);
}

void TrackWriter::drain(Track& track) {
    while (const auto block = track.next()) {
        pad_to(block->position);
        append(std::span(block->samples).first(block->count));
    }
    flush();
}

void TrackWriter::sync() {
    if (!file_ || failed_) return;
    write_header();
    const std::error_code error = file_->sync();
    if (error) fail("sync", error);
}

void TrackWriter::finish(Track& track) {
    drain(track);
    pad_to(track.position());
    flush();
    finish_file();
    if (track.refused() > 0) {
        log::warning("recording_gaps", {{"id", facts_.id}, {"silent_samples", track.refused()}});
    }
}

void TrackWriter::pad_to(std::uint64_t position) {
    static constexpr std::array<std::int16_t, kBlockSamples> kSilence{};
    while (!failed_ && position_ < position) {
        const std::uint64_t missing = position - position_;
        append(std::span(kSilence).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(missing, kSilence.size()))));
    }
}

void TrackWriter::append(std::span<const std::int16_t> samples) {
    position_ += samples.size();
    while (!failed_ && !samples.empty()) {
        const std::uint64_t room = samples_per_file_ - facts_.samples - pending_.size();
        const std::size_t count = std::min(
            {samples.size(), kPendingSamples - pending_.size(), static_cast<std::size_t>(room)});
        pending_.insert(pending_.end(), samples.begin(),
                        samples.begin() + static_cast<std::ptrdiff_t>(count));
        samples = samples.subspan(count);
        if (pending_.size() == kPendingSamples || count == room) flush();
        if (failed_ || facts_.samples < samples_per_file_ || samples.empty()) continue;
        finish_file();
        if (failed_) return;
        const auto began = parse_rfc3339(facts_.created_at).value_or(std::chrono::sys_seconds{});
        facts_.created_at =
            to_rfc3339(began + std::chrono::seconds(samples_per_file_ / kSampleRateHz));
        facts_.id = make_recording_id();
        facts_.title = title_ + " (part " + std::to_string(files_ + 1) + ")";
        begin_file();
    }
}

void TrackWriter::flush() {
    if (failed_ || pending_.empty()) {
        pending_.clear();
        return;
    }
    std::error_code error;
    const std::size_t written = file_->write_at(kWavHeaderBytes + facts_.samples * kBytesPerSample,
                                                as_bytes(pending_), error);
    facts_.samples += written / kBytesPerSample;
    pending_.clear();
    if (error) fail("write", error);
}

void TrackWriter::write_header() {
    std::error_code error;
    const WavHeader header = wav_header(facts_.samples);
    file_->write_at(0, header, error);
    if (error) fail("write", error);
}

void TrackWriter::finish_file() {
    if (!file_) return;
    const Paths at = paths();
    facts_.complete = !failed_;
    write_header();  // a full disk still takes what replaces other bytes
    std::error_code error = file_->sync();
    if (error) fail("sync", error);
    file_.reset();
    if (facts_.samples == 0) {
        std::filesystem::remove(at.part, error);
        std::filesystem::remove(at.json, error);
        return;
    }
    facts_.complete = !failed_;
    error = replace_file(at.json, to_json(facts_));
    if (error) fail("describe", error);
    std::filesystem::rename(at.part, at.wav, error);
    if (error) return fail("rename", error);  // the next start repairs it
    parts_.push_back(facts_);
    error = sync_folder(at.folder);
    if (error) fail("sync", error);
}

void TrackWriter::fail(std::string_view action, std::error_code error) {
    if (std::exchange(failed_, true)) return;
    log::error("recording_cut_off", {{"id", facts_.id},
                                     {"owner", facts_.owner},
                                     {"action", action},
                                     {"error", error.message()},
                                     {"samples", facts_.samples}});
}

}  // namespace hushcast::recordings
