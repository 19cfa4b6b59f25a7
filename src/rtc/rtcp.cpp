#include "rtc/rtcp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hushcast::rtc {

namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kSenderReport = 200;
constexpr std::uint8_t kReceiverReport = 201;
constexpr std::uint8_t kSourceDescription = 202;
constexpr std::uint8_t kGoodbye = 203;
constexpr std::uint8_t kTransportFeedback = 205;
constexpr std::uint8_t kGenericNack = 1;
constexpr std::uint8_t kCname = 1;
constexpr std::size_t kMaxCnameBytes = 255;  // its length is one byte
constexpr std::size_t kReportBlockBytes = 24;
constexpr int kNackMaskBits = 16;

std::int32_t sign_extend_24(std::uint32_t value) {
    return static_cast<std::int32_t>(value << 8) >> 8;
}

void read_blocks(ByteReader& reader, std::size_t count, std::vector<ReportBlock>& out) {
    for (std::size_t i = 0; i < count && reader.remaining() >= kReportBlockBytes; ++i) {
        ReportBlock block;
        block.ssrc = reader.u32();
        block.fraction_lost = reader.u8();
        block.cumulative_lost = sign_extend_24(reader.u24());
        block.highest_sequence = reader.u32();
        block.jitter = reader.u32();
        block.last_sr = reader.u32();
        block.delay_since_last_sr = reader.u32();
        out.push_back(block);
    }
}

void read_nack(ByteReader& reader, RtcpPacket& out) {
    reader.skip(4);  // who asks
    const std::uint32_t media_ssrc = reader.u32();
    if (out.nacks.empty()) out.nack_media_ssrc = media_ssrc;
    if (out.nack_media_ssrc != media_ssrc) return;
    const auto ask = [&out](unsigned sequence) {
        if (out.nacks.size() < RtcpPacket::kMaxNacks) {
            out.nacks.push_back(static_cast<std::uint16_t>(sequence));
        }
    };
    while (reader.remaining() >= 4 && out.nacks.size() < RtcpPacket::kMaxNacks) {
        const unsigned first = reader.u16();
        const unsigned mask = reader.u16();
        ask(first);
        for (int bit = 0; bit < kNackMaskBits; ++bit) {
            if ((mask >> bit & 1U) != 0) ask(first + 1 + static_cast<unsigned>(bit));
        }
    }
}

/// One packet of the compound, header read. False when its count claims more than it holds.
bool read_packet(std::uint8_t type, std::size_t count, Bytes body, RtcpPacket& out) {
    ByteReader reader(body);
    switch (type) {
        case kSenderReport: {
            SenderInfo sender;
            sender.ssrc = reader.u32();
            sender.ntp = reader.u64();
            sender.rtp_timestamp = reader.u32();
            sender.packets = reader.u32();
            sender.bytes = reader.u32();
            if (!reader.ok() || reader.remaining() < count * kReportBlockBytes) return false;
            if (!out.sender) out.sender = sender;
            read_blocks(reader, count, out.reports);
            return true;
        }
        case kReceiverReport:
            reader.skip(4);
            if (!reader.ok() || reader.remaining() < count * kReportBlockBytes) return false;
            read_blocks(reader, count, out.reports);
            return true;
        case kGoodbye:
            if (reader.remaining() < count * 4) return false;
            for (std::size_t i = 0; i < count; ++i) out.goodbyes.push_back(reader.u32());
            return true;
        case kTransportFeedback:
            if (reader.remaining() < 8) return false;
            if (count == kGenericNack) read_nack(reader, out);  // here `count` is the format
            return true;
        default: return true;
    }
}

/// Writes an RTCP header whose length is known when the body is: finish() puts it in.
class PacketWriter {
public:
    explicit PacketWriter(MutableBytes out) : out_(out), writer_(out) {}

    ByteWriter& begin(std::uint8_t type, std::size_t count) {
        finish();
        start_ = writer_.size();
        writer_.u8(static_cast<std::uint8_t>(kVersion << 6 | (count & 0x1f)));
        writer_.u8(type);
        writer_.u16(0);
        return writer_;
    }

    /// Size of the compound packet, 0 when it did not fit.
    std::size_t finish() {
        if (!writer_.ok()) return 0;
        if (writer_.size() > start_) {
            ByteWriter length(out_.subspan(start_ + 2, 2));
            length.u16(static_cast<std::uint16_t>((writer_.size() - start_) / 4 - 1));
        }
        return writer_.size();
    }

    void source_description(std::uint32_t ssrc, std::string_view cname) {
        cname = cname.substr(0, kMaxCnameBytes);
        ByteWriter& out = begin(kSourceDescription, 1);
        out.u32(ssrc);
        out.u8(kCname);
        out.u8(static_cast<std::uint8_t>(cname.size()));
        for (const char c : cname) out.u8(static_cast<std::uint8_t>(c));
        // At least one zero ends the chunk, and it ends on a word.
        out.fill(0, 4 - (2 + cname.size()) % 4);
    }

private:
    MutableBytes out_;
    ByteWriter writer_;
    std::size_t start_ = 0;
};

void write_empty_receiver_report(PacketWriter& packet, std::uint32_t ssrc) {
    packet.begin(kReceiverReport, 0).u32(ssrc);
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::optional<RtcpPacket> parse_rtcp(Bytes packet) {
    if (packet.empty() || packet.size() > kMaxDatagramBytes) return std::nullopt;
    RtcpPacket parsed;
    ByteReader reader(packet);
    while (reader.remaining() > 0) {
        const std::uint8_t first = reader.u8();
        const std::uint8_t type = reader.u8();
        const std::size_t body_bytes = std::size_t{4} * reader.u16();
        Bytes body = reader.bytes(body_bytes);
        if (!reader.ok() || first >> 6 != kVersion) return std::nullopt;
        if ((first & 0x20) != 0) {  // padding, which only the last packet may have
            const std::size_t padding = body.empty() ? 0 : body.back();
            if (reader.remaining() > 0 || padding == 0 || padding % 4 != 0 ||
                padding > body.size()) {
                return std::nullopt;
            }
            body = body.first(body.size() - padding);
        }
        if (!read_packet(type, first & 0x1f, body, parsed)) return std::nullopt;
    }
    return parsed;
}

std::size_t write_sender_report(MutableBytes out, const SenderInfo& info, std::string_view cname) {
    PacketWriter packet(out);
    ByteWriter& writer = packet.begin(kSenderReport, 0);
    writer.u32(info.ssrc);
    writer.u64(info.ntp);
    writer.u32(info.rtp_timestamp);
    writer.u32(info.packets);
    writer.u32(info.bytes);
    packet.source_description(info.ssrc, cname);
    return packet.finish();
}

std::size_t write_receiver_report(MutableBytes out,
                                  std::uint32_t ssrc,
                                  const ReportBlock& block,
                                  std::string_view cname) {
    PacketWriter packet(out);
    ByteWriter& writer = packet.begin(kReceiverReport, 1);
    writer.u32(ssrc);
    writer.u32(block.ssrc);
    writer.u8(block.fraction_lost);
    writer.u24(static_cast<std::uint32_t>(block.cumulative_lost));
    writer.u32(block.highest_sequence);
    writer.u32(block.jitter);
    writer.u32(block.last_sr);
    writer.u32(block.delay_since_last_sr);
    packet.source_description(ssrc, cname);
    return packet.finish();
}

std::size_t write_nack(MutableBytes out,
                       std::uint32_t ssrc,
                       std::uint32_t media_ssrc,
                       std::span<const std::uint16_t> sequences) {
    if (sequences.empty()) return 0;
    PacketWriter packet(out);
    // An empty report first: then peers that know no reduced-size RTCP understand it as well.
    write_empty_receiver_report(packet, ssrc);
    ByteWriter& writer = packet.begin(kTransportFeedback, kGenericNack);
    writer.u32(ssrc);
    writer.u32(media_ssrc);
    for (std::size_t i = 0; i < sequences.size();) {
        const std::uint16_t first = sequences[i++];
        unsigned mask = 0;
        for (; i < sequences.size(); ++i) {
            const auto distance = static_cast<std::uint16_t>(sequences[i] - first);
            if (distance == 0) continue;
            if (distance > kNackMaskBits) break;
            mask |= 1U << (distance - 1);
        }
        writer.u16(first);
        writer.u16(static_cast<std::uint16_t>(mask));
    }
    return packet.finish();
}

std::size_t write_goodbye(MutableBytes out, std::uint32_t ssrc, std::string_view cname) {
    PacketWriter packet(out);
    write_empty_receiver_report(packet, ssrc);
    packet.source_description(ssrc, cname);
    packet.begin(kGoodbye, 1).u32(ssrc);
    return packet.finish();
}

void RtpReceiveStats::on_packet(Time arrival, const RtpPacket& packet) {
    if (!sequence_ || packet.ssrc != ssrc_) {
        *this = RtpReceiveStats{};
        ssrc_ = packet.ssrc;
        sequence_.emplace();
        first_ = highest_ = sequence_->unwrap(packet.sequence);
        received_ = 1;
        last_arrival_ = arrival;
        last_timestamp_ = packet.timestamp;
        return;
    }
    const std::int64_t sequence = sequence_->unwrap(packet.sequence);
    ++received_;
    first_ = std::min(first_, sequence);
    if (sequence <= highest_) return;  // late or sent again: says nothing about the path's jitter
    highest_ = sequence;
    const auto media_step = static_cast<std::int32_t>(packet.timestamp - last_timestamp_);
    const double difference = seconds(arrival - last_arrival_) * kRtpClockHz - media_step;
    jitter_ += (std::abs(difference) - jitter_) / 16;
    last_arrival_ = arrival;
    last_timestamp_ = packet.timestamp;
}

void RtpReceiveStats::on_sender_report(Time arrival, const SenderInfo& info) {
    if (!sequence_ || info.ssrc != ssrc_) return;
    last_sr_ = static_cast<std::uint32_t>(info.ntp >> 16);
    last_sr_arrival_ = arrival;
}

std::int64_t RtpReceiveStats::lost() const {
    if (!sequence_) return 0;
    return highest_ - first_ + 1 - static_cast<std::int64_t>(received_);
}

std::optional<ReportBlock> RtpReceiveStats::report(Time now) {
    if (!sequence_) return std::nullopt;
    constexpr std::int64_t kMax24 = 0x7f'ffff;
    const std::int64_t expected = highest_ - first_ + 1;
    const std::int64_t expected_here = expected - expected_prior_;
    const std::int64_t received_here = static_cast<std::int64_t>(received_ - received_prior_);
    expected_prior_ = expected;
    received_prior_ = received_;

    ReportBlock block;
    block.ssrc = ssrc_;
    if (expected_here > received_here) {
        const std::int64_t of_256 = (expected_here - received_here) * 256 / expected_here;
        block.fraction_lost = static_cast<std::uint8_t>(std::min<std::int64_t>(of_256, 255));
    }
    block.cumulative_lost = static_cast<std::int32_t>(std::clamp(lost(), -kMax24 - 1, kMax24));
    block.highest_sequence = static_cast<std::uint32_t>(highest_);
    constexpr double kMax32 = std::numeric_limits<std::uint32_t>::max();
    block.jitter = static_cast<std::uint32_t>(std::min(jitter_, kMax32));
    if (last_sr_ != 0) {
        const double delay = std::clamp(seconds(now - last_sr_arrival_) * 65536, 0.0, kMax32);
        block.last_sr = last_sr_;
        block.delay_since_last_sr = static_cast<std::uint32_t>(delay);
    }
    return block;
}

std::uint64_t ntp_time(std::chrono::system_clock::time_point wall) {
    constexpr std::uint64_t kUnixEpochInNtp = 2'208'988'800;  // seconds from 1900 to 1970
    using Nanoseconds = std::chrono::nanoseconds;
    const auto since = std::chrono::duration_cast<Nanoseconds>(wall.time_since_epoch());
    const auto whole = std::chrono::floor<std::chrono::seconds>(since);
    const auto rest = static_cast<std::uint64_t>((since - whole).count());
    const auto whole_seconds = static_cast<std::uint64_t>(whole.count()) + kUnixEpochInNtp;
    return whole_seconds << 32 | (rest << 32) / std::uint64_t{1'000'000'000};
}

std::optional<Duration> round_trip(const ReportBlock& block, std::uint64_t ntp_now) {
    if (block.last_sr == 0) return std::nullopt;
    const auto now = static_cast<std::uint32_t>(ntp_now >> 16);
    const auto units = static_cast<std::int32_t>(now - block.last_sr - block.delay_since_last_sr);
    // A peer whose clock runs a little fast may claim to have waited longer than it could.
    const double whole = std::max(units, 0) / 65536.0;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(whole));
}

}  // namespace hushcast::rtc
