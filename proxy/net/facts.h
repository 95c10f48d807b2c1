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
  /// The socket's ends, as far as accepting it has told them; absent: the kernel is asked.
  std::optional<boost::asio::ip::tcp::endpoint> remote, local;
  /// What a PROXY header named as the ends; absent: they are those of the socket.
  std::optional<boost::asio::ip::tcp::endpoint> source, destination;
};
/// The next connection's number, in the process, from 1.
std::uint64_t next_connection_id();

/// The address that a socket is bound to.
boost::asio::ip::tcp::endpoint local_address(const Socket& socket);

/// Fills in the addresses of both ends, and what is known of an accepted connection.
void begin_facts(const Socket& socket, const Accepted& accepted, ConnectionFacts& facts);

}  // namespace tidegate::proxy::net
