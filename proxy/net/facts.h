#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <optional>

#include "proxy/net/socket.h"
#include "proxy/net/stream.h"

namespace tidegate::proxy::net {

/// What a PROXY header named as the ends of a connection; absent: they are those of the socket.
struct NamedEnds : boost::intrusive_ref_counter<NamedEnds, boost::thread_unsafe_counter> {
  std::optional<boost::asio::ip::tcp::endpoint> source, destination;
};

/// What is known of a connection when it is accepted, besides its socket. Small, and all that is
/// kept of it while it idles: its facts can be made of this at any time.
struct Accepted {
  std::uint64_t id = 0;
  /// The socket's ends, as far as accepting it has told them; without a port: the kernel is asked.
  boost::asio::ip::tcp::endpoint remote, local;
  boost::intrusive_ptr<const NamedEnds> named;  // null: there was no PROXY header
};
/// The next connection's number, in the process, from 1.
std::uint64_t next_connection_id();

/// The address that a socket is bound to.
boost::asio::ip::tcp::endpoint local_address(const Socket& socket);

/// Fills in the addresses of both ends, and what is known of an accepted connection.
void begin_facts(const Socket& socket, const Accepted& accepted, ConnectionFacts& facts);

}  // namespace tidegate::proxy::net
