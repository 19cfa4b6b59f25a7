#include "net/event_loop.hpp"

#include <csignal>
#include <cstdint>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/event_loop_impl.hpp"

namespace hushcast::net {

namespace asio = boost::asio;

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
    const auto guard = asio::make_work_guard(impl_->context);
    impl_->context.run();
}

void EventLoop::stop() { impl_->context.stop(); }

void EventLoop::post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

void EventLoop::after(Duration delay, std::function<void()> task) {
    auto timer = std::make_shared<asio::steady_timer>(impl_->context, delay);
    timer->async_wait([timer, task = std::move(task)](const boost::system::error_code& error) {
        if (!error) task();
    });
}

void EventLoop::on_terminate(std::function<void()> handler) {
    impl_->signals.add(SIGINT);
    impl_->signals.add(SIGTERM);
    impl_->signals.async_wait(
        [handler = std::move(handler)](const boost::system::error_code& error, int) {
            if (!error) handler();
        });
}

struct Timer::Impl {
    explicit Impl(EventLoop& loop) : timer(loop.impl().context) {}
    asio::steady_timer timer;
    // Counts the arrangements: a ring that was already on its way when the alarm moved is stale.
    std::shared_ptr<std::uint64_t> arranged = std::make_shared<std::uint64_t>(0);
};

Timer::Timer(EventLoop& loop) : impl_(std::make_unique<Impl>(loop)) {}
// The timer cancels its own wait; counting makes a ring that is on its way stale.
Timer::~Timer() { ++*impl_->arranged; }

void Timer::at(Time due, std::function<void()> task) {
    impl_->timer.expires_at(due);
    impl_->timer.async_wait([arranged = impl_->arranged, mine = ++*impl_->arranged,
                             task = std::move(task)](const boost::system::error_code& error) {
        if (!error && *arranged == mine) task();
    });
}

void Timer::cancel() {
    ++*impl_->arranged;
    impl_->timer.cancel();
}

}  // namespace hushcast::net
