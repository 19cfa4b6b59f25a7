#include "broadcast/switchboard.hpp"

#include <utility>

#include "broadcast/switchboard_impl.hpp"

namespace hushcast::broadcast {

Switchboard::Switchboard(SwitchboardConfig config, DatagramSink& datagrams, Recorder& recorder)
    : impl_(std::make_unique<Impl>(std::move(config), datagrams, recorder)) {}

Switchboard::~Switchboard() { impl_->shut_down(Time{}); }

Result<StreamStarted, Failure> Switchboard::start(Time now,
                                                  std::string_view name,
                                                  bool denoise,
                                                  bool takeover) {
    return impl_->start(now, name, denoise, takeover);
}

Result<StreamStopped, Failure> Switchboard::stop(Time now, std::string_view name) {
    return impl_->stop(now, name);
}

Result<Answer, Failure> Switchboard::publish(Time now,
                                             std::string_view session_id,
                                             std::string_view sdp) {
    return impl_->publish(now, session_id, sdp);
}

Result<Answer, Failure> Switchboard::listen(Time now, std::string_view name, std::string_view sdp) {
    return impl_->listen(now, name, sdp);
}

bool Switchboard::hang_up(Time now, std::string_view peer_id) {
    return impl_->hang_up(now, peer_id);
}

Result<bool, Failure> Switchboard::set_denoise(Time now,
                                               std::string_view session_id,
                                               bool denoise,
                                               float attenuation_limit_db) {
    return impl_->set_denoise(now, session_id, denoise, attenuation_limit_db);
}

std::optional<StreamStatus> Switchboard::status(std::string_view name) const {
    return impl_->status(name);
}

std::vector<StreamStatus> Switchboard::live() const { return impl_->live(); }

void Switchboard::on_datagram(Time now, const Path& from, Bytes datagram) {
    impl_->on_datagram(now, from, datagram);
}

void Switchboard::on_timeout(Time now) { impl_->on_timeout(now); }

Time Switchboard::next_timeout() const { return impl_->next_timeout(); }

void Switchboard::tick_workers(Time now) { impl_->tick_workers(now); }

void Switchboard::shut_down(Time now) { impl_->shut_down(now); }

}  // namespace hushcast::broadcast
