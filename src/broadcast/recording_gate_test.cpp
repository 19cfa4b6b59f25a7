#include "broadcast/recording_gate.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "broadcast/test_doubles.hpp"

namespace hushcast::broadcast {
namespace {

TEST(RecordingGate, WritesOnlyWhileOpen) {
    RecordingGate gate;
    const auto track = std::make_shared<MemoryRecorder::Track>();
    const std::array<float, 3> samples{1, 2, 3};
    gate.write(samples);
    gate.open(track);
    gate.write(samples);
    EXPECT_EQ(gate.close(), track);
    gate.write(samples);
    EXPECT_EQ(track->samples.size(), 3U);
    EXPECT_EQ(gate.close(), nullptr);
}

TEST(RecordingGate, NoWriteIsUnderWayAfterClosing) {
    for (int round = 0; round < 50; ++round) {
        RecordingGate gate;
        const auto track = std::make_shared<MemoryRecorder::Track>();
        gate.open(track);
        std::atomic<bool> started{false};
        std::atomic<bool> stop{false};
        std::thread writer([&] {
            const std::array<float, 1> sample{};
            while (!stop.load()) {
                gate.write(sample);
                started.store(true);
            }
        });
        while (!started.load()) std::this_thread::yield();
        gate.close();
        // A race here is what ThreadSanitizer would see.
        const std::size_t size = track->samples.size();
        track->samples.clear();
        stop.store(true);
        writer.join();
        EXPECT_GT(size, 0U);
        EXPECT_TRUE(track->samples.empty());
    }
}

}  // namespace
}  // namespace hushcast::broadcast
