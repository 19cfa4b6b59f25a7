// An ICE-lite agent (RFC 8445 section 2.5) with one component: it never sends checks, it answers
// those of the full agent on the other side, takes the path that agent nominates, and notices by
// the absence of checks (consent, RFC 7675) that it is gone. See docs/transport.md for what is left
// out.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/endpoint.hpp"
#include "base/time.hpp"
#include "rtc/outbox.hpp"

namespace hushcast::rtc {

struct IceCredentials {
    std::string ufrag;     ///< 4 to 256 characters of ALPHA / DIGIT / + / /  (RFC 8839 section 5.4)
    std::string password;  ///< 22 to 256 characters
};

/// The user name of a STUN binding request is "<our ufrag>:<their ufrag>"; this gives our part,
/// which is how one UDP port finds the peer. Nothing when the datagram is no STUN request with a
/// user name.
std::optional<std::string_view> stun_local_ufrag(Bytes datagram);

class IceLite {
public:
    /// Consent: browsers check every 2.5 s, other agents every 5 s; three of the slowest may be
    /// lost.
    static constexpr std::chrono::seconds kConsentTimeout{15};
    /// How long a peer may take from signalling to its first valid check.
    static constexpr std::chrono::seconds kConnectTimeout{30};
    /// Valid paths remembered beside the one in use; the oldest makes room. A browser tries one or
    /// two per network interface and address family.
    static constexpr std::size_t kMaxPaths = 8;

    /// @param remote_ufrag  from the peer's description; checks with another are refused.
    IceLite(Time now, IceCredentials local, std::string_view remote_ufrag);

    /// Answers binding requests, ignores indications and responses. Malformed or unauthenticated
    /// datagrams change nothing; the latter are answered as RFC 8489 says, as far as the answer is
    /// no longer than the question.
    void on_datagram(Time now, const Path& from, Bytes datagram, Outbox& out);

    /// The path in use: the nominated one, before any nomination the first valid one.
    [[nodiscard]] const std::optional<Path>& path() const { return path_; }
    /// Whether an authentic check came over this path: the peer may use it before it nominates.
    [[nodiscard]] bool is_valid(const Path& path) const;
    /// When the agent expires unless a valid check arrives before.
    [[nodiscard]] Time expires_at() const { return expires_at_; }

private:
    void remember(const Path& path);

    IceCredentials local_;
    std::string username_;  ///< what a check to us must carry
    std::optional<Path> path_;
    std::array<Path, kMaxPaths> valid_{};
    std::size_t valid_count_ = 0;  ///< ever added; the last kMaxPaths are kept
    Time expires_at_;
};

}  // namespace hushcast::rtc
