// What the broadcast needs from the outside world, declared here by their user and implemented by
// others: a way to send datagrams and a place to record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/time.hpp"

namespace hushcast::broadcast {

/// One datagram to be sent; the bytes belong to the caller.
struct OutgoingDatagram {
    Path path;
    Bytes bytes;
};

/// Sends datagrams. Called from the media workers and from the control thread at once, so it must
/// be thread-safe; it must not block: what the kernel does not take is dropped and counted.
class DatagramSink {
public:
    virtual ~DatagramSink() = default;
    virtual void send(std::span<const OutgoingDatagram> batch) noexcept = 0;
};

/// What is recorded, and for whom.
struct RecordingInfo {
    std::string session_id;
    std::string owner;
    std::string title;
    std::string started_at;  ///< RFC 3339, UTC
    bool denoise = true;
};

/// What became of it.
struct RecordingResult {
    std::string id;        ///< empty when nothing was saved
    Duration duration{};   ///< of the saved sound
    bool complete = true;  ///< false when the disk refused a part of it
};

/// One recording in progress.
class RecordingTrack {
public:
    virtual ~RecordingTrack() = default;
    /// 48 kHz mono, in -1..1. Called by the media worker: never blocks; hands the samples to the
    /// disk thread through a bounded queue and counts what the queue refuses.
    virtual void write(std::span<const float> samples) noexcept = 0;
};

/// Opens and closes recordings on the control thread.
class Recorder {
public:
    virtual ~Recorder() = default;
    /// Never fails: a disk that refuses yields a track that says so in the result.
    virtual std::shared_ptr<RecordingTrack> open(const RecordingInfo& info) = 0;
    /// The last word on a track; waits for what is queued, at most about a second.
    virtual RecordingResult close(RecordingTrack& track) = 0;
};

}  // namespace hushcast::broadcast
