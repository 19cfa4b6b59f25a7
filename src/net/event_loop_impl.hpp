// What the event loop is made of; for the .cpp files of this folder alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "net/event_loop.hpp"

namespace hushcast::net {

struct EventLoop::Impl {
    boost::asio::io_context context{1};  // one thread runs it
    boost::asio::signal_set signals{context};
};

}  // namespace hushcast::net
