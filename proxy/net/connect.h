#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "proxy/net/socket.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::net {

/// Whether `fd` is one of the last 32 file descriptors that the process may have (an eighth, where
/// that is less). Those are for itself: its admin ports, the reading of its configuration, DNS.
/// What clients cause leaves them alone. Source: POSIX, which gives out the lowest that is free.
bool for_ourselves(int fd);

/// A TCP connection to `to`. Errors: what connect() says; timed_out after `timeout`;
/// too_many_files_open where only descriptors for_ourselves() are left, unless `ours`: no client
/// has asked for it.
Task<Result<Socket>> connect(boost::asio::io_context& io, boost::asio::ip::tcp::endpoint to,
                             TimerWheel& wheel, std::chrono::milliseconds timeout,
                             bool ours = false);

}  // namespace tidegate::proxy::net
