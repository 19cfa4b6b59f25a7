#include "rtc/srtp.hpp"

#include <algorithm>
#include <bitset>
#include <optional>
#include <vector>

#include "rtc/srtp_crypto.hpp"

namespace hushcast::rtc {

namespace {

constexpr std::size_t kFixedHeaderBytes = 12;
/// Packets that may come late and still be let in: 1.3 s of audio at 10 ms a packet, longer than a
/// retransmission takes.
constexpr std::size_t kReplayWindow = 128;
constexpr std::uint32_t kMaxSrtcpIndex = 0x7fff'ffff;

struct RtpHeader {
    std::size_t size;  ///< with CSRCs and extension: all that is authenticated but not encrypted
    std::uint16_t sequence;
    std::uint32_t ssrc;
};

std::optional<RtpHeader> read_rtp_header(Bytes packet) {
    ByteReader reader(packet);
    const std::uint8_t first = reader.u8();
    reader.skip(1);
    RtpHeader header{};
    header.sequence = reader.u16();
    reader.skip(4);
    header.ssrc = reader.u32();
    reader.skip(std::size_t{4} * (first & 0x0f));
    if ((first & 0x10) != 0) {
        reader.skip(2);
        reader.skip(std::size_t{4} * reader.u16());
    }
    if (!reader.ok() || first >> 6 != 2) return std::nullopt;
    header.size = packet.size() - reader.remaining();
    return header;
}

std::optional<std::uint32_t> read_rtcp_ssrc(Bytes packet) {
    ByteReader reader(packet);
    const std::uint8_t first = reader.u8();
    reader.skip(3);
    const std::uint32_t ssrc = reader.u32();
    if (!reader.ok() || first >> 6 != 2) return std::nullopt;
    return ssrc;
}

/// RFC 3711 section 3.3.1: the index closest to the highest one seen. Negative before the first.
std::int64_t estimate_index(std::int64_t highest, std::uint16_t sequence) {
    const std::int64_t low = highest & 0xffff;
    std::int64_t rollover = highest >> 16;
    if (low < 0x8000 && sequence - low > 0x8000) --rollover;
    if (low >= 0x8000 && low - 0x8000 > sequence) ++rollover;
    return rollover * 0x10000 + sequence;
}

/// Which of the last kReplayWindow indices were seen (RFC 3711 section 3.3.2).
class ReplayWindow {
public:
    [[nodiscard]] std::int64_t highest() const { return highest_; }

    [[nodiscard]] bool admits(std::int64_t index) const {
        if (index > highest_) return true;
        const std::int64_t age = highest_ - index;
        return age < std::int64_t{kReplayWindow} && !seen_.test(static_cast<std::size_t>(age));
    }

    void add(std::int64_t index) {
        if (index > highest_) {
            const std::int64_t step = std::min(index - highest_, std::int64_t{kReplayWindow});
            seen_ <<= static_cast<std::size_t>(step);
            highest_ = index;
        }
        seen_.set(static_cast<std::size_t>(highest_ - index));
    }

private:
    std::int64_t highest_ = -1;
    std::bitset<kReplayWindow> seen_;
};

template <typename State>
struct Source {
    std::uint32_t ssrc;
    State state;
};

/// A handful of sources: a search of a few words beats any map.
template <typename State>
State* find(std::vector<Source<State>>& sources, std::uint32_t ssrc) {
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [ssrc](const auto& source) { return source.ssrc == ssrc; });
    return found == sources.end() ? nullptr : &found->state;
}

std::unique_ptr<SrtpCipher> make_cipher(SrtpProfile profile,
                                        SrtpDirection direction,
                                        const SrtpMasterKey& key) {
    return make_srtp_cipher(profile, direction, derive_session_keys(profile, key, SrtpStream::Rtp),
                            derive_session_keys(profile, key, SrtpStream::Rtcp));
}

}  // namespace

struct SrtpSender::Impl {
    std::unique_ptr<SrtpCipher> cipher;
    std::vector<Source<std::int64_t>> sources;  ///< highest index sent
    /// One count for all sources: no pair of source and index comes twice.
    std::uint32_t rtcp_index = 0;
};

SrtpSender::SrtpSender(SrtpProfile profile, const SrtpMasterKey& key)
    : impl_(std::make_unique<Impl>(Impl{make_cipher(profile, SrtpDirection::Seal, key), {}, 0})) {}
SrtpSender::~SrtpSender() = default;
SrtpSender::SrtpSender(SrtpSender&&) noexcept = default;
SrtpSender& SrtpSender::operator=(SrtpSender&&) noexcept = default;

Result<std::size_t, SrtpError> SrtpSender::protect_rtp(MutableBytes buffer, std::size_t size) {
    const std::size_t tag = impl_->cipher->tag_bytes();
    if (size > buffer.size() || buffer.size() - size < tag) return SrtpError::NoSpace;
    const auto header = read_rtp_header(buffer.first(size));
    if (!header) return SrtpError::Malformed;

    std::int64_t* highest = find(impl_->sources, header->ssrc);
    if (highest == nullptr) {
        if (impl_->sources.size() == kMaxSources) return SrtpError::TooManySources;
        highest = &impl_->sources.emplace_back(Source<std::int64_t>{header->ssrc, header->sequence})
                       .state;
    }
    const std::int64_t index = estimate_index(*highest, header->sequence);
    if (index < 0) return SrtpError::Malformed;
    *highest = std::max(*highest, index);
    impl_->cipher->seal_rtp(buffer.data(), size, header->size, static_cast<std::uint64_t>(index));
    return size + tag;
}

Result<std::size_t, SrtpError> SrtpSender::protect_rtcp(MutableBytes buffer, std::size_t size) {
    const std::size_t overhead = impl_->cipher->tag_bytes() + kSrtcpIndexBytes;
    if (size > buffer.size() || buffer.size() - size < overhead) return SrtpError::NoSpace;
    if (!read_rtcp_ssrc(buffer.first(size))) return SrtpError::Malformed;
    if (impl_->rtcp_index > kMaxSrtcpIndex) return SrtpError::NoSpace;
    impl_->cipher->seal_rtcp(buffer.data(), size, impl_->rtcp_index++);
    return size + overhead;
}

struct SrtpReceiver::Impl {
    std::unique_ptr<SrtpCipher> cipher;
    std::vector<Source<ReplayWindow>> rtp;
    std::vector<Source<ReplayWindow>> rtcp;
};

SrtpReceiver::SrtpReceiver(SrtpProfile profile, const SrtpMasterKey& key)
    : impl_(std::make_unique<Impl>(Impl{make_cipher(profile, SrtpDirection::Open, key), {}, {}})) {}
SrtpReceiver::~SrtpReceiver() = default;
SrtpReceiver::SrtpReceiver(SrtpReceiver&&) noexcept = default;
SrtpReceiver& SrtpReceiver::operator=(SrtpReceiver&&) noexcept = default;

Result<std::size_t, SrtpError> SrtpReceiver::unprotect_rtp(MutableBytes packet) {
    const std::size_t tag = impl_->cipher->tag_bytes();
    if (packet.size() < kFixedHeaderBytes + tag) return SrtpError::Malformed;
    const auto header = read_rtp_header(packet.first(packet.size() - tag));
    if (!header) return SrtpError::Malformed;

    ReplayWindow* window = find(impl_->rtp, header->ssrc);
    if (window == nullptr && impl_->rtp.size() == kMaxSources) return SrtpError::TooManySources;
    const std::int64_t index =
        window == nullptr ? header->sequence : estimate_index(window->highest(), header->sequence);
    if (index < 0 || (window != nullptr && !window->admits(index))) return SrtpError::Replayed;
    if (!impl_->cipher->open_rtp(packet.data(), packet.size(), header->size,
                                 static_cast<std::uint64_t>(index))) {
        return SrtpError::Unauthentic;
    }
    if (window == nullptr) {
        window = &impl_->rtp.emplace_back(Source<ReplayWindow>{header->ssrc, {}}).state;
    }
    window->add(index);
    return packet.size() - tag;
}

Result<std::size_t, SrtpError> SrtpReceiver::unprotect_rtcp(MutableBytes packet) {
    const std::size_t overhead = impl_->cipher->tag_bytes() + kSrtcpIndexBytes;
    if (packet.size() < kRtcpHeaderBytes + overhead) return SrtpError::Malformed;
    const auto ssrc = read_rtcp_ssrc(packet);
    if (!ssrc) return SrtpError::Malformed;

    ReplayWindow* window = find(impl_->rtcp, *ssrc);
    if (window == nullptr && impl_->rtcp.size() == kMaxSources) return SrtpError::TooManySources;
    const std::int64_t index = impl_->cipher->index_word(packet) & kMaxSrtcpIndex;
    if (window != nullptr && !window->admits(index)) return SrtpError::Replayed;
    if (!impl_->cipher->open_rtcp(packet.data(), packet.size())) return SrtpError::Unauthentic;
    if (window == nullptr) {
        window = &impl_->rtcp.emplace_back(Source<ReplayWindow>{*ssrc, {}}).state;
    }
    window->add(index);
    return packet.size() - overhead;
}

}  // namespace hushcast::rtc
