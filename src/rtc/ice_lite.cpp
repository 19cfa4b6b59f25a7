#include "rtc/ice_lite.hpp"

#include <algorithm>
#include <utility>

#include "rtc/stun.hpp"

namespace hushcast::rtc {

std::optional<std::string_view> stun_local_ufrag(Bytes datagram) {
    const auto message = parse_stun(datagram);
    if (!message || message->kind != StunClass::Request || !message->username) return std::nullopt;
    const std::size_t colon = message->username->find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return message->username->substr(0, colon);
}

IceLite::IceLite(Time now, IceCredentials local, std::string_view remote_ufrag)
    : local_(std::move(local)), username_(local_.ufrag), expires_at_(now + kConnectTimeout) {
    username_.append(1, ':').append(remote_ufrag);
}

void IceLite::on_datagram(Time now, const Path& from, Bytes datagram, Outbox& out) {
    const auto check = parse_stun(datagram);
    if (!check || check->kind != StunClass::Request) return;
    const auto refuse = [&](StunError error, std::string_view password) {
        const StunPacket packet =
            write_error(check->transaction, error, password, check->unknown_attributes());
        // A question without proof may carry a forged source; nobody is to be hit harder through
        // us.
        if (password.empty() && packet.bytes().size() > datagram.size()) return;
        out.send(from, packet.bytes());
    };
    // The order of RFC 8489 section 9.1.3: is it authentic, then section 6.3.1: is it understood.
    if (!check->username || check->integrity_offset == 0) return refuse(StunError::BadRequest, {});
    if (*check->username != username_ || !has_integrity(*check, local_.password)) {
        return refuse(StunError::Unauthenticated, {});
    }
    if (check->unknown_count > 0) return refuse(StunError::UnknownAttribute, local_.password);
    // A lite agent is always controlled (RFC 8445 section 6.1.1), so the other has to give way.
    if (check->controlled) return refuse(StunError::RoleConflict, local_.password);

    remember(from);
    if (check->use_candidate || !path_) path_ = from;
    expires_at_ = now + kConsentTimeout;
    out.send(from, write_success(check->transaction, from.remote, local_.password).bytes());
}

bool IceLite::is_valid(const Path& path) const {
    const auto end =
        valid_.begin() + static_cast<std::ptrdiff_t>(std::min(valid_count_, kMaxPaths));
    return path == path_ || std::find(valid_.begin(), end, path) != end;
}

void IceLite::remember(const Path& path) {
    if (!is_valid(path)) valid_[valid_count_++ % kMaxPaths] = path;
}

}  // namespace hushcast::rtc
