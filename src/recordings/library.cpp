#include "recordings/library.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "recordings/calendar.hpp"
#include "recordings/repair.hpp"
#include "recordings/track.hpp"
#include "recordings/writer.hpp"

namespace hushcast::recordings {

namespace {

/// How often the disk thread looks at the queues: well within the two seconds that they hold.
constexpr auto kDrainEvery = std::chrono::milliseconds(100);
/// What a kill or a power cut may cost.
constexpr auto kSyncEvery = std::chrono::milliseconds(900);

bool is_newer(const Facts& a, const Facts& b) { return a.created_at > b.created_at; }

}  // namespace

/// A recording in progress. The network thread makes it and asks for its end; `writer` belongs to
/// the disk thread; the rest changes under the library's mutex.
struct Library::Job {
    Facts facts;
    std::shared_ptr<Track> track = std::make_shared<Track>();
    std::unique_ptr<TrackWriter> writer;
    Time next_sync{};
    bool closing = false;
    std::optional<broadcast::RecordingResult> result;
};

Library::Library(LibraryConfig config) : config_(std::move(config)) {
    for (Facts& facts : repair_and_list(config_.root)) add(std::move(facts));
    disk_ = std::thread([this] { run(); });
}

Library::~Library() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        attention_ = true;
    }
    wake_.notify_one();
    disk_.join();
}

std::shared_ptr<broadcast::RecordingTrack> Library::open(const broadcast::RecordingInfo& info) {
    auto job = std::make_shared<Job>();
    open_.push_back(job);
    if (!is_owner(info.owner)) {
        job->result = broadcast::RecordingResult{{}, {}, false};
        return job->track;
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    job->facts.id = make_recording_id();
    job->facts.owner = info.owner;
    job->facts.created_at = to_rfc3339(parse_rfc3339(info.started_at).value_or(now));
    job->facts.title = clean_title(info.title, job->facts.created_at);
    job->facts.session_id = info.session_id;
    job->facts.denoise = info.denoise;
    {
        const std::lock_guard lock(mutex_);
        arriving_.push_back(job);
        attention_ = true;
    }
    wake_.notify_one();
    return job->track;
}

broadcast::RecordingResult Library::close(broadcast::RecordingTrack& track) {
    const auto found = std::find_if(open_.begin(), open_.end(), [&track](const auto& job) {
        return job->track.get() == &track;
    });
    if (found == open_.end()) return {{}, {}, false};
    const std::shared_ptr<Job> job = *found;
    open_.erase(found);

    std::unique_lock lock(mutex_);
    job->closing = true;
    attention_ = true;
    wake_.notify_one();
    if (!done_.wait_for(lock, config_.close_wait, [&job] { return job->result.has_value(); })) {
        return {job->facts.id, duration_of(job->track->position()), false};
    }
    return *job->result;
}

const std::vector<Facts>& Library::list(std::string_view owner) {
    static const std::vector<Facts> kNone;
    take_in_finished();
    const auto found = catalogue_.find(owner);
    return found == catalogue_.end() ? kNone : found->second;
}

std::optional<Found> Library::find(std::string_view owner, std::string_view id) {
    for (const Facts& facts : list(owner)) {
        if (facts.id == id) return Found{facts, Paths(config_.root, facts.owner, facts.id).wav};
    }
    return std::nullopt;
}

void Library::take_in_finished() {
    std::vector<Facts> finished;
    {
        const std::lock_guard lock(mutex_);
        finished.swap(finished_);
    }
    for (Facts& facts : finished) add(std::move(facts));
}

void Library::add(Facts facts) {
    std::vector<Facts>& of_owner = catalogue_[facts.owner];
    of_owner.insert(std::upper_bound(of_owner.begin(), of_owner.end(), facts, is_newer),
                    std::move(facts));
}

void Library::run() {
    std::vector<std::shared_ptr<Job>> jobs;
    Time next_drain = Clock::now();
    for (;;) {
        std::vector<std::shared_ptr<Job>> closing;
        bool stopping = false;
        {
            std::unique_lock lock(mutex_);
            wake_.wait_until(lock, next_drain, [this] { return attention_; });
            attention_ = false;
            stopping = stopping_;
            jobs.insert(jobs.end(), arriving_.begin(), arriving_.end());
            arriving_.clear();
            const auto ends = std::stable_partition(
                jobs.begin(), jobs.end(),
                [stopping](const auto& job) { return !job->closing && !stopping; });
            closing.assign(ends, jobs.end());
            jobs.erase(ends, jobs.end());
        }
        for (const auto& job : jobs) {
            if (!job->writer) {
                job->writer = std::make_unique<TrackWriter>(config_.root, config_.create,
                                                            job->facts, config_.samples_per_file);
                job->next_sync = Clock::now() + kSyncEvery;
            }
            job->writer->drain(*job->track);
        }
        for (const auto& job : closing) finish(*job);
        if (stopping) return;

        // One at a time: a slow disk then delays the syncs of many streams, and never the draining.
        const Time now = Clock::now();
        next_drain = now + kDrainEvery;
        const auto due = std::min_element(
            jobs.begin(), jobs.end(),
            [](const auto& a, const auto& b) { return a->next_sync < b->next_sync; });
        if (due != jobs.end() && (*due)->next_sync <= now) {
            (*due)->writer->sync();
            (*due)->next_sync = Clock::now() + kSyncEvery;
            next_drain = now;
        }
    }
}

void Library::finish(Job& job) {
    if (!job.writer) {
        job.writer = std::make_unique<TrackWriter>(config_.root, config_.create, job.facts,
                                                   config_.samples_per_file);
    }
    job.writer->finish(*job.track);
    broadcast::RecordingResult result;
    result.complete = !job.writer->failed();
    for (const Facts& part : job.writer->parts()) {
        if (result.id.empty()) result.id = part.id;
        result.duration += part.duration();
    }
    {
        const std::lock_guard lock(mutex_);
        finished_.insert(finished_.end(), job.writer->parts().begin(), job.writer->parts().end());
        job.result = std::move(result);
    }
    done_.notify_all();
}

}  // namespace hushcast::recordings
