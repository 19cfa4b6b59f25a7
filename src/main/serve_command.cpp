#include "main/serve_command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.hpp"
#include "base/log.hpp"
#include "broadcast/switchboard.hpp"
#include "denoise/models.hpp"
#include "main/commands.hpp"
#include "main/model_store.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/udp_port.hpp"
#include "recordings/library.hpp"

namespace hushcast::main {

namespace {

/// Streams that one call of the denoiser takes; a worker with more calls again.
constexpr std::size_t kStreamsPerBatch = 16;
/// How long requests may go on after the order to stop.
constexpr auto kShutdownGrace = std::chrono::seconds(3);

/// Holds a data folder for one server at a time, for as long as the process lives.
class DataLock {
public:
    DataLock() = default;
    DataLock(const DataLock&) = delete;
    DataLock& operator=(const DataLock&) = delete;
    ~DataLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    /// Makes the folder where there is none. @return  a sentence when that cannot be done.
    std::string take(const std::filesystem::path& folder) {
        std::error_code error;
        std::filesystem::create_directories(folder, error);
        if (error) return "cannot make the folder " + folder.string() + ": " + error.message();
        const auto file = folder / "lock";
        descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor_ < 0) {
            return "cannot write in " + folder.string() + ": " +
                   std::generic_category().message(errno);
        }
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            return "another server is using the folder " + folder.string();
        }
        return {};
    }

private:
    int descriptor_ = -1;
};

/// Carries the broadcast's datagrams to the socket.
class UdpSink final : public broadcast::DatagramSink {
public:
    explicit UdpSink(net::UdpPort& port) : port_(port) {}

    void send(std::span<const broadcast::OutgoingDatagram> batch) noexcept override {
        std::array<net::Datagram, 64> chunk;
        while (!batch.empty()) {
            const std::size_t count = std::min(batch.size(), chunk.size());
            for (std::size_t i = 0; i < count; ++i) chunk[i] = {batch[i].path, batch[i].bytes};
            port_.send(std::span(chunk).first(count));
            batch = batch.subspan(count);
        }
    }

private:
    net::UdpPort& port_;
};

/// Wakes the switchboard when it wants to be woken.
class Alarm {
public:
    Alarm(net::EventLoop& loop, broadcast::Switchboard& switchboard)
        : timer_(loop), switchboard_(switchboard) {}

    void set() {
        const Time due = switchboard_.next_timeout();
        if (due == due_) return;
        due_ = due;
        if (due == kNever) return timer_.cancel();
        timer_.at(due, [this] {
            due_ = kNever;
            switchboard_.on_timeout(Clock::now());
            set();
        });
    }

private:
    net::Timer timer_;
    broadcast::Switchboard& switchboard_;
    Time due_ = kNever;
};

/// Every listener of HTTP costs a descriptor; the soft limit of most systems is 1,024.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

log::Level level_of(std::string_view name) {
    if (name == "debug") return log::Level::Debug;
    if (name == "warning") return log::Level::Warning;
    if (name == "error") return log::Level::Error;
    return log::Level::Info;
}

int fail(const std::string& sentence) {
    std::cerr << "hushcast serve: " << sentence << '\n';
    return 1;
}

/// Where a person on this machine opens the page.
std::string url_of(Endpoint endpoint) {
    if (endpoint.ip.is_unspecified()) endpoint.ip = IpAddress::v4(127, 0, 0, 1);
    return "http://" + endpoint.to_string() + "/";
}

/// The running server: the parts in the order in which they depend on each other.
struct Server {
    net::EventLoop loop;
    std::unique_ptr<net::UdpPort> udp;
    std::unique_ptr<UdpSink> sink;
    std::unique_ptr<recordings::Library> library;
    std::unique_ptr<broadcast::Switchboard> switchboard;
    std::unique_ptr<Alarm> alarm;
    std::unique_ptr<api::Api> api;
    std::unique_ptr<net::HttpServer> http;

    /// @return  a sentence when a port cannot be had.
    std::string open(const ServeOptions& options,
                     const Endpoint& listen,
                     const std::vector<IpAddress>& public_ips,
                     ChosenModel model);
    void run();

private:
    void open_broadcast(const ServeOptions& options,
                        const std::vector<IpAddress>& public_ips,
                        ChosenModel model);
};

std::string Server::open(const ServeOptions& options,
                         const Endpoint& listen,
                         const std::vector<IpAddress>& public_ips,
                         ChosenModel model) {
    // Requests come in only when the loop runs, and by then there is somebody to answer them.
    auto opened = net::HttpServer::open(
        loop, listen, {}, [this](const net::HttpRequest& request, net::HttpServer::Reply reply) {
            api->handle(request, std::move(reply));
        });
    if (!opened) return opened.error();
    http = std::move(opened).value();

    auto port =
        net::UdpPort::open(loop, {listen.ip, options.media_port.value_or(http->local().port)});
    if (!port) return port.error();
    udp = std::move(port).value();
    open_broadcast(options, public_ips, std::move(model));
    return {};
}

void Server::open_broadcast(const ServeOptions& options,
                            const std::vector<IpAddress>& public_ips,
                            ChosenModel model) {
    sink = std::make_unique<UdpSink>(*udp);
    library = std::make_unique<recordings::Library>(
        recordings::LibraryConfig{.root = data_directory(options.places) / "recordings"});
    broadcast::SwitchboardConfig config;
    config.candidates = media_candidates(
        public_ips, udp->local(),
        udp->local().ip.is_unspecified() ? net::local_addresses() : std::vector<IpAddress>{});
    config.workers = options.workers;
    const std::unique_ptr<denoise::Denoiser> sample = model.make_denoiser(1);
    api::ModelInUse in_use{options.model, std::string(sample->name()), model.weights == nullptr};
    if (in_use.id.empty()) {
        in_use.id = model.weights ? denoise::kDefaultModel : denoise::kFallbackModel;
    }
    log::info("model.in_use", {{"id", in_use.id}, {"title", in_use.title}});
    // Weights are shared; every worker has a denoiser of its own.
    config.make_denoiser = [model = std::move(model)] {
        return model.make_denoiser(kStreamsPerBatch);
    };
    for (const Endpoint& candidate : config.candidates) {
        log::info("media.candidate", {{"address", candidate.to_string()}});
    }
    switchboard = std::make_unique<broadcast::Switchboard>(std::move(config), *sink, *library);
    alarm = std::make_unique<Alarm>(loop, *switchboard);
    api::ApiConfig doors;
    doors.model = std::move(in_use);
    doors.web = options.web;
    doors.switchboard_used = [this] { alarm->set(); };
    api = std::make_unique<api::Api>(loop, *switchboard, *library, std::move(doors));
    udp->start([this](Time now, const Path& from, MutableBytes datagram) {
        switchboard->on_datagram(now, from, datagram);
        alarm->set();
    });
    alarm->set();
}

void Server::run() {
    loop.on_terminate([this] {
        log::info("server.stopping");
        switchboard->shut_down(Clock::now());
        http->shut_down(kShutdownGrace, [this] { loop.stop(); });
    });
    loop.run();
}

}  // namespace

std::vector<Endpoint> media_candidates(const std::vector<IpAddress>& public_ips,
                                       const Endpoint& bound,
                                       const std::vector<IpAddress>& local) {
    std::vector<Endpoint> candidates;
    const auto add = [&](const IpAddress& ip) {
        const Endpoint candidate{ip, bound.port};
        if (std::find(candidates.begin(), candidates.end(), candidate) == candidates.end()) {
            candidates.push_back(candidate);
        }
    };
    for (const IpAddress& ip : public_ips) add(ip);
    if (!bound.ip.is_unspecified()) add(bound.ip);
    const bool v4_only = bound.ip.is_v4();
    for (const IpAddress& ip : local) {
        if ((ip.is_link_local() && !ip.is_v4()) || (v4_only && !ip.is_v4())) continue;
        add(ip);
    }
    return candidates;
}

int serve(const ServeOptions& options) {
    log::set_level(level_of(options.log_level));
    const auto listen = Endpoint::parse(options.listen);
    if (!listen) {
        return fail("--listen takes ADDRESS:PORT, for example 127.0.0.1:8000 or [::]:8000");
    }
    std::vector<IpAddress> public_ips;
    for (const std::string& text : options.public_ips) {
        const auto ip = IpAddress::parse(text);
        if (!ip) return fail("--public-ip " + text + " is not an IP address");
        public_ips.push_back(*ip);
    }
    DataLock lock;
    if (const std::string fault = lock.take(data_directory(options.places)); !fault.empty()) {
        return fail(fault);
    }
    raise_descriptor_limit();

    auto model = choose_model(options.model, options.places);
    if (!model) return fail(model.error().message);
    if (!model->warning.empty()) log::warning("model.fallback", {{"reason", model->warning}});

    Server server;
    const std::string fault = server.open(options, *listen, public_ips, std::move(model).value());
    if (!fault.empty()) return fail(fault);
    // Scripts wait for this line and read the address from it.
    std::cout << "Hushcast is ready: " << url_of(server.http->local()) << std::endl;
    server.run();
    return 0;
}

void add_serve_command(CLI::App& app) {
    auto options = std::make_shared<ServeOptions>();
    CLI::App& command = *app.add_subcommand("serve", "Run the server");
    add_data_option(command, options->places);
    add_model_dir_option(command, options->places);
    command
        .add_option("--listen", options->listen, "ADDRESS:PORT of pages and, by default, of audio")
        ->capture_default_str();
    command.add_option("--media-port", options->media_port,
                       "UDP port of audio (default: the same number)");
    command.add_option("--public-ip", options->public_ips,
                       "Address that people outside reach this machine by; may be repeated");
    command.add_option("--model", options->model, "One of " + model_ids());
    command.add_option("--workers", options->workers, "Media threads (default: one per core)")
        ->check(CLI::Range(0, 256));
    command.add_option("--web", options->web, "Take the pages from this folder, for development")
        ->check(CLI::ExistingDirectory);
    command.add_option("--log-level", options->log_level, "debug, info, warning or error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    command.callback([options] {
        int code = 1;
        try {
            code = serve(*options);
        } catch (const std::exception& failure) {
            code = fail(failure.what());
        }
        if (code != 0) throw CLI::RuntimeError(code);
    });
}

}  // namespace hushcast::main
