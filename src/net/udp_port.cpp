#include "net/udp_port.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <optional>
#include <system_error>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/socket.h>

#include "net/event_loop_impl.hpp"
#include "net/socket_address.hpp"

namespace hushcast::net {

namespace {

namespace asio = boost::asio;

/// Datagrams per system call: more gains nothing measurable and costs cache.
constexpr std::size_t kBatch = 64;
/// Calls per wake-up, so that a flood does not starve HTTP.
constexpr int kBatchesPerWake = 4;
/// A burst of 10 ms for thousands of peers; the kernel grants what net.core.[rw]mem_max allows.
constexpr int kSocketBufferBytes = 4 * 1024 * 1024;
/// A time stamp older than this is a clock that jumped, not a datagram that waited.
constexpr Duration kOldestStamp = std::chrono::seconds(1);

/// Room for one address and one time stamp.
struct Control {
    alignas(
        cmsghdr) std::array<std::uint8_t,
                            CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(timespec))> bytes;
};

std::string failure(const Endpoint& listen, const char* what) {
    const int reason = errno;
    return "cannot " + std::string(what) + " UDP port " + listen.to_string() + ": " +
           std::generic_category().message(reason);
}

bool set_option(int socket, int level, int name, int value) {
    return setsockopt(socket, level, name, &value, sizeof value) == 0;
}

template <typename T>
T control_value(const cmsghdr& header) {
    T value{};
    std::memcpy(&value, CMSG_DATA(&header), sizeof value);
    return value;
}

/// Writes the address a datagram must leave from; nothing when the kernel may choose.
void set_source(msghdr& message, Control& control, int family, const IpAddress& source) {
    if (source.is_unspecified() || (family == AF_INET && !source.is_v4())) return;
    message.msg_control = control.bytes.data();
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (family == AF_INET) {
        in_pktinfo info{};
        info.ipi_spec_dst = native_v4(source);
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        std::memcpy(CMSG_DATA(header), &info, sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        in6_pktinfo info{};
        std::memcpy(&info.ipi6_addr, source.bytes.data(), source.bytes.size());
        header->cmsg_level = IPPROTO_IPV6;
        header->cmsg_type = IPV6_PKTINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        std::memcpy(CMSG_DATA(header), &info, sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
    }
}

}  // namespace

struct UdpPort::Impl {
    Impl(EventLoop& loop, int socket, int its_family, const Endpoint& bound)
        : descriptor(loop.impl().context, socket), family(its_family), local(bound) {}

    void wait();
    void receive();
    bool receive_batch();
    void deliver(const mmsghdr& message, MutableBytes bytes, Time now, Duration steady_ahead);

    asio::posix::stream_descriptor descriptor;
    int family;
    Endpoint local;
    Counters counters;
    Handler handler;

    struct Slot {
        SocketAddress from;
        Control control;
        iovec piece;
        // One byte more than allowed, so that what is too long shows.
        std::array<std::uint8_t, kMaxDatagramBytes + 1> bytes;
    };
    std::array<Slot, kBatch> slots{};
    std::array<mmsghdr, kBatch> messages{};
};

Result<std::unique_ptr<UdpPort>, std::string> UdpPort::open(EventLoop& loop,
                                                            const Endpoint& listen) {
    const int family = listen.ip.is_v4() ? AF_INET : AF_INET6;
    const int socket = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket < 0) return failure(listen, "open");
    // From here on the descriptor closes itself.
    auto impl = std::make_unique<Impl>(loop, socket, family, listen);

    const bool wildcard = listen.ip.is_unspecified();
    bool set = true;
    if (family == AF_INET6) {
        set = set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, wildcard ? 0 : 1);
        if (wildcard) set = set && set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    } else if (wildcard) {
        set = set_option(socket, IPPROTO_IP, IP_PKTINFO, 1);
    }
    if (!set) return failure(listen, "configure");
    // Best effort: a smaller buffer or a time stamp of our own will do.
    set_option(socket, SOL_SOCKET, SO_RCVBUF, kSocketBufferBytes);
    set_option(socket, SOL_SOCKET, SO_SNDBUF, kSocketBufferBytes);
    set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1);

    SocketAddress native{};
    socklen_t length = to_native(listen, family, native);
    if (bind(socket, &native.any, length) != 0) return failure(listen, "listen on");
    length = sizeof native;
    if (getsockname(socket, &native.any, &length) != 0) return failure(listen, "listen on");
    impl->local.port = from_native(native).port;
    return std::unique_ptr<UdpPort>(new UdpPort(std::move(impl)));
}

UdpPort::UdpPort(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpPort::~UdpPort() = default;

const Endpoint& UdpPort::local() const { return impl_->local; }
const UdpPort::Counters& UdpPort::counters() const { return impl_->counters; }

void UdpPort::start(Handler handler) {
    impl_->handler = std::move(handler);
    impl_->wait();
}

void UdpPort::Impl::wait() {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [this](const boost::system::error_code& error) {
                              if (error) return;  // the port is gone, and `this` with it
                              receive();
                              wait();
                          });
}

void UdpPort::Impl::receive() {
    for (int batch = 0; batch < kBatchesPerWake && receive_batch(); ++batch) {
    }
}

/// @return  whether there may be more.
bool UdpPort::Impl::receive_batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
        Slot& slot = slots[i];
        slot.piece = {slot.bytes.data(), slot.bytes.size()};
        messages[i] = {};
        msghdr& header = messages[i].msg_hdr;
        header.msg_name = &slot.from;
        header.msg_namelen = sizeof slot.from;
        header.msg_iov = &slot.piece;
        header.msg_iovlen = 1;
        header.msg_control = slot.control.bytes.data();
        header.msg_controllen = sizeof slot.control.bytes;
    }
    const int got =
        recvmmsg(descriptor.native_handle(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (got <= 0) return false;
    const Time now = Clock::now();
    const Duration steady_ahead =
        now.time_since_epoch() -
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        deliver(messages[i], slots[i].bytes, now, steady_ahead);
    }
    return static_cast<std::size_t>(got) == kBatch;
}

/// @param steady_ahead  what to add to the kernel's wall clock to have ours.
void UdpPort::Impl::deliver(const mmsghdr& message,
                            MutableBytes bytes,
                            Time now,
                            Duration steady_ahead) {
    if (message.msg_len > kMaxDatagramBytes) {
        counters.oversized.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    counters.received.fetch_add(1, std::memory_order_relaxed);
    SocketAddress from{};
    std::memcpy(&from, message.msg_hdr.msg_name, sizeof from);
    Path path{from_native(from), local.ip};
    Time arrived = now;
    msghdr header = message.msg_hdr;
    for (const cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr;
         c = CMSG_NXTHDR(&header, const_cast<cmsghdr*>(c))) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            path.local = from_native(control_value<in_pktinfo>(*c).ipi_spec_dst);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            path.local = from_native(control_value<in6_pktinfo>(*c).ipi6_addr);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            const auto stamp = control_value<timespec>(*c);
            const Time kernel{std::chrono::seconds(stamp.tv_sec) +
                              std::chrono::nanoseconds(stamp.tv_nsec) + steady_ahead};
            if (kernel <= now && now - kernel < kOldestStamp) arrived = kernel;
        }
    }
    handler(arrived, path, bytes.first(message.msg_len));
}

void UdpPort::send(std::span<const Datagram> batch) noexcept {
    const int socket = impl_->descriptor.native_handle();
    // Not cleared: on the hot path only what is sent is written.
    // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init)
    std::array<SocketAddress, kBatch> addresses;
    std::array<Control, kBatch> controls;
    std::array<iovec, kBatch> pieces;
    std::array<mmsghdr, kBatch> messages;
    // NOLINTEND(cppcoreguidelines-pro-type-member-init)
    std::uint64_t sent = 0;
    std::uint64_t refused = 0;
    while (!batch.empty()) {
        const std::size_t count = std::min(batch.size(), kBatch);
        for (std::size_t i = 0; i < count; ++i) {
            const Datagram& datagram = batch[i];
            // The kernel only reads through this pointer; the C interface cannot say so.
            pieces[i] = {const_cast<std::uint8_t*>(datagram.bytes.data()), datagram.bytes.size()};
            messages[i] = {};
            msghdr& header = messages[i].msg_hdr;
            header.msg_name = &addresses[i];
            header.msg_namelen = to_native(datagram.path.remote, impl_->family, addresses[i]);
            header.msg_iov = &pieces[i];
            header.msg_iovlen = 1;
            set_source(header, controls[i], impl_->family, datagram.path.local);
        }
        const int taken = sendmmsg(socket, messages.data(), static_cast<unsigned>(count),
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken > 0) {
            sent += static_cast<std::uint64_t>(taken);
            batch = batch.subspan(static_cast<std::size_t>(taken));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            refused += batch.size();  // the queue is full: late audio is worth less than none
            break;
        } else if (errno != EINTR) {
            ++refused;  // this one has no way out; the others may
            batch = batch.subspan(1);
        }
    }
    impl_->counters.sent.fetch_add(sent, std::memory_order_relaxed);
    impl_->counters.refused.fetch_add(refused, std::memory_order_relaxed);
}

}  // namespace hushcast::net
