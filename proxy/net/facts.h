#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <optional>

#include "proxy/net/socket.h"
#include "proxy/net/stream.h"

namespace tidegate::proxy::net {

/// What is known of a connection when it is accepted, besides its socket.
struct Accepted {
  std::uint64_t id = 0;
  /// What a PROXY header named as the ends; absent: they are those of the socket.
  std::optional<boost::asio::ip::tcp::endpoint> source, destination;
};
void apply(const Accepted& accepted, ConnectionFacts& facts);

/// The next connection's number, in the process, from 1.
std::uint64_t next_connection_id();

/// Fills in the addresses of both ends.
void read_addresses(const Socket& socket, ConnectionFacts& facts);

}  // namespace tidegate::proxy::net
