#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "proxy/net/socket.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::net {

/// A TCP connection to `to`. Errors: what connect() says; timed_out after `timeout`.
Task<Result<Socket>> connect(boost::asio::io_context& io, boost::asio::ip::tcp::endpoint to,
                             TimerWheel& wheel, std::chrono::milliseconds timeout);

}  // namespace tidegate::proxy::net
