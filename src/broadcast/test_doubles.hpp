// Stand-ins for what a broadcast uses, for its tests and the simulations.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broadcast/sinks.hpp"
#include "denoise/denoiser.hpp"

namespace hushcast::broadcast {

/// Halves the amplitude and delays, by as much as the real model's look-ahead unless told
/// otherwise.
class DelayDenoiser final : public denoise::Denoiser {
public:
    explicit DelayDenoiser(std::size_t delay_samples = 1'440) : delay_samples_(delay_samples) {}

    [[nodiscard]] std::string_view name() const override { return "delay"; }
    [[nodiscard]] std::size_t delay_samples() const override { return delay_samples_; }
    [[nodiscard]] std::unique_ptr<denoise::StreamState> make_state() const override {
        return std::make_unique<State>(delay_samples_);
    }
    [[nodiscard]] std::size_t max_batch() const override { return 4; }
    void process(std::span<const denoise::Lane> lanes) noexcept override {
        largest_batch_ = std::max(largest_batch_, lanes.size());
        hops_ += lanes.size();
        for (const denoise::Lane& lane : lanes) {
            auto& held = dynamic_cast<State&>(*lane.state).held;
            for (std::size_t i = 0; i < denoise::kHop; ++i) {
                held.push_back(lane.in[i]);
                lane.out[i] = 0.5F * held.front();
                held.pop_front();
            }
        }
    }

    [[nodiscard]] std::size_t largest_batch() const { return largest_batch_; }
    [[nodiscard]] std::size_t hops() const { return hops_; }

private:
    struct State final : denoise::StreamState {
        explicit State(std::size_t delay) : held(delay) {}
        void reset() noexcept override { std::fill(held.begin(), held.end(), 0.0F); }
        std::deque<float> held;
    };

    std::size_t delay_samples_;
    std::size_t largest_batch_ = 0;
    std::size_t hops_ = 0;
};

/// Keeps recordings in memory.
class MemoryRecorder final : public Recorder {
public:
    struct Track final : RecordingTrack {
        void write(std::span<const float> heard) noexcept override {
            samples.insert(samples.end(), heard.begin(), heard.end());
        }
        RecordingInfo info;
        std::vector<float> samples;
        bool closed = false;
    };

    std::shared_ptr<RecordingTrack> open(const RecordingInfo& info) override {
        tracks.push_back(std::make_shared<Track>());
        tracks.back()->info = info;
        return tracks.back();
    }
    RecordingResult close(RecordingTrack& track) override {
        auto& closing = dynamic_cast<Track&>(track);
        closing.closed = true;
        if (closing.samples.empty()) return {};
        const std::chrono::duration<double> duration(static_cast<double>(closing.samples.size()) /
                                                     denoise::kSampleRateHz);
        return {.id = "recording-" + std::to_string(tracks.size()),
                .duration = std::chrono::duration_cast<Duration>(duration)};
    }

    std::vector<std::shared_ptr<Track>> tracks;
};

/// Keeps what is sent. Safe from several threads.
class MemorySink final : public DatagramSink {
public:
    struct Sent {
        Path path;
        std::vector<std::uint8_t> bytes;
    };

    void send(std::span<const OutgoingDatagram> batch) noexcept override {
        const std::lock_guard lock(mutex_);
        for (const OutgoingDatagram& each : batch) {
            sent_.push_back({each.path, {each.bytes.begin(), each.bytes.end()}});
        }
    }
    /// What was sent since the last time.
    std::vector<Sent> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(sent_, {});
    }

private:
    std::mutex mutex_;
    std::vector<Sent> sent_;
};

}  // namespace hushcast::broadcast
