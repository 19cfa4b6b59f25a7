#include "broadcast/media_loop.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

namespace hushcast::broadcast {

MediaLoop::MediaLoop(std::unique_ptr<denoise::Denoiser> denoiser, DatagramSink& datagrams)
    : denoiser_(std::move(denoiser)), out_(datagrams) {}

void MediaLoop::packet(Packet packet) {
    if (!packets_.push(std::move(packet))) ++packets_dropped_;
}

void MediaLoop::tick(Time now, Duration late) {
    events_.flush();
    take_commands();
    take_packets();
    const bool relief = overload_.on_tick(now, late);
    for (const auto& stream : streams_) stream->pull(now);
    while (process_hops(now, relief)) {
    }
    for (const auto& stream : streams_) stream->end_tick(now, relief, out_);
    out_.flush();
}

/// One hop of every stream that has one, through the network as one batch.
bool MediaLoop::process_hops(Time now, bool relief) {
    bool any = false;
    lanes_.clear();
    for (const auto& stream : streams_) {
        if (!stream->has_hop()) continue;
        any = true;
        if (const auto lane = stream->begin_hop(relief)) lanes_.push_back(*lane);
    }
    for (std::span<const denoise::Lane> rest = lanes_; !rest.empty();) {
        const std::size_t count = std::min(rest.size(), denoiser_->max_batch());
        denoiser_->process(rest.first(count));
        rest = rest.subspan(count);
    }
    for (const auto& stream : streams_) {
        if (stream->has_hop()) stream->finish_hop(now, out_);
    }
    return any;
}

void MediaLoop::take_packets() {
    bool looked_again = false;
    // No more than were there: whoever floods the queue shall not keep the tick from its work.
    for (std::size_t i = 0; i < kPacketQueue; ++i) {
        std::optional<Packet> packet = packets_.pop();
        if (!packet) return;
        MediaStream* stream = find(packet->leg());
        if (stream == nullptr && !std::exchange(looked_again, true)) {
            // Its leg may have been announced since the commands were read.
            take_commands();
            stream = find(packet->leg());
        }
        if (stream != nullptr && stream->on_packet(*packet, out_)) {
            events_.push({.kind = Event::Kind::LegSaidGoodbye, .leg = packet->leg()});
        }
    }
}

void MediaLoop::take_commands() {
    while (std::optional<Command> command = commands_.pop()) {
        std::visit([this](auto& it) { apply(it); }, *command);
    }
}

void MediaLoop::apply(AddStream& command) {
    command.stream->join(denoiser_.get());
    streams_.push_back(std::move(command.stream));
}

void MediaLoop::apply(SetPublisher& command) {
    if (MediaStream* stream = find(command.stream)) {
        legs_[command.leg.id] = stream;
        stream->set_publisher(std::move(command.leg), command.nack);
    }
}

void MediaLoop::apply(AddListener& command) {
    if (MediaStream* stream = find(command.stream)) {
        legs_[command.leg.id] = stream;
        stream->add_listener(std::move(command.leg), command.ssrc);
    }
}

void MediaLoop::apply(MoveLeg& command) {
    if (MediaStream* stream = find(command.leg)) stream->move_leg(command.leg, command.path);
}

void MediaLoop::apply(RemoveLeg& command) {
    if (MediaStream* stream = find(command.leg)) stream->remove_leg(command.leg);
    legs_.erase(command.leg);
}

void MediaLoop::apply(ChangeSettings& command) {
    if (MediaStream* stream = find(command.stream)) {
        stream->change(command.denoise, command.attenuation_limit_db);
    }
}

void MediaLoop::apply(RemoveStream& command) {
    const auto place = std::find_if(streams_.begin(), streams_.end(), [&](const auto& stream) {
        return stream->id() == command.stream;
    });
    if (place == streams_.end()) return;
    std::unique_ptr<MediaStream> stream = std::move(*place);
    streams_.erase(place);
    std::erase_if(legs_, [&](const auto& leg) { return leg.second == stream.get(); });
    stream->say_goodbye(out_);
    out_.flush();  // before anyone hears of it and hangs up
    events_.push({.kind = Event::Kind::StreamClosed,
                  .stream = command.stream,
                  .remains = std::move(stream)});
}

MediaStream* MediaLoop::find(StreamId stream) {
    const auto place = std::find_if(streams_.begin(), streams_.end(),
                                    [&](const auto& each) { return each->id() == stream; });
    return place == streams_.end() ? nullptr : place->get();
}

MediaStream* MediaLoop::find(LegId leg) {
    const auto found = legs_.find(leg);
    return found == legs_.end() ? nullptr : found->second;
}

}  // namespace hushcast::broadcast
