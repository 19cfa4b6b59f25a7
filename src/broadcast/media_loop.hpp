// One media worker without its thread: every stream that lives on it, moved on by one tick.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/spsc_queue.hpp"
#include "base/time.hpp"
#include "broadcast/lossless_queue.hpp"
#include "broadcast/media_stream.hpp"
#include "broadcast/messages.hpp"
#include "broadcast/overload.hpp"
#include "broadcast/send_batch.hpp"
#include "broadcast/sinks.hpp"
#include "denoise/denoiser.hpp"

namespace hushcast::broadcast {

/// The control thread puts packets and commands in and takes events out; the worker's thread ticks.
/// What a tick does, and in which order, is docs/threads.md.
class MediaLoop {
public:
    static constexpr std::chrono::milliseconds kTick{10};
    /// Half a second of forty streams, or a report of each of two thousand listeners at once. 3 MB.
    static constexpr std::size_t kPacketQueue = 2'048;
    static constexpr std::size_t kCommandQueue = 256;
    static constexpr std::size_t kEventQueue = 256;

    /// @param denoiser  null: every stream passes as it came.
    MediaLoop(std::unique_ptr<denoise::Denoiser> denoiser, DatagramSink& datagrams);

    // --- control thread -----------------------------------------------------------------------

    /// Drops and counts when the worker is too far behind.
    void packet(Packet packet);
    void command(Command command) { commands_.push(std::move(command)); }
    /// Pushes on what the command queue had no room for.
    void flush() { commands_.flush(); }
    std::optional<Event> next_event() { return events_.pop(); }
    [[nodiscard]] std::uint64_t packets_dropped() const { return packets_dropped_; }

    // --- worker's thread ----------------------------------------------------------------------

    /// @param late  how long after its appointed time the tick begins.
    void tick(Time now, Duration late);

private:
    void take_commands();
    void apply(std::monostate /*nothing*/) {}
    void apply(AddStream& command);
    void apply(SetPublisher& command);
    void apply(AddListener& command);
    void apply(MoveLeg& command);
    void apply(RemoveLeg& command);
    void apply(ChangeSettings& command);
    void apply(RemoveStream& command);
    void take_packets();
    bool process_hops(Time now, bool relief);
    [[nodiscard]] MediaStream* find(StreamId stream);
    [[nodiscard]] MediaStream* find(LegId leg);

    SpscQueue<Packet> packets_{kPacketQueue};
    LosslessQueue<Command> commands_{kCommandQueue};
    LosslessQueue<Event> events_{kEventQueue};
    std::uint64_t packets_dropped_ = 0;  // the control thread's

    std::unique_ptr<denoise::Denoiser> denoiser_;
    std::vector<std::unique_ptr<MediaStream>> streams_;
    std::unordered_map<LegId, MediaStream*> legs_;
    std::vector<denoise::Lane> lanes_;
    OverloadGuard overload_;
    SendBatch out_;
};

}  // namespace hushcast::broadcast
