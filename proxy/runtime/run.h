#pragma once

#include <boost/asio/io_context.hpp>

namespace tidegate::proxy {

/// Runs `io` until it is stopped, whatever its handlers throw (memory, above all): what the handler
/// was for is lost, and nothing else.
void run(boost::asio::io_context& io);

}  // namespace tidegate::proxy
