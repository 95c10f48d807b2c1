#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "proxy/net/facts.h"
#include "proxy/net/socket.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::net {

/// Accepts until `listening` is closed, and hands each connection to `serve`. Where the process has
/// no descriptors left it pauses, and the backlog waits.
Task<void> accept_all(boost::asio::io_context& io, TimerWheel& wheel,
                      std::shared_ptr<Socket> listening,
                      std::function<void(Socket, const Accepted&)> serve);

/// A moment, in which there may be more of what is short: descriptors, memory of the kernel.
Task<void> rest(TimerWheel& wheel);

}  // namespace tidegate::proxy::net
