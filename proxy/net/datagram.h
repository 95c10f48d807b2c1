#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <span>

#include "base/result.h"
#include "proxy/net/socket.h"

namespace tidegate::proxy::net {

inline constexpr std::size_t kDatagramMax = 65536;

/// Who sent a datagram, and to which of our addresses: the answer comes from that one, also where a
/// socket is bound to all of them.
struct Client {
  boost::asio::ip::udp::endpoint remote;
  boost::asio::ip::address local;
  bool operator==(const Client&) const = default;
};

/// A bound UDP socket: non-blocking, with SO_REUSEPORT (the kernel keeps a client with one worker).
/// `exclusive` and errors as of open_listening_socket. The caller closes it.
Result<int> open_datagram_socket(const boost::asio::ip::address& ip, std::uint16_t port,
                                 bool exclusive);

/// A socket that talks to one peer only.
Result<Socket> connect_datagram(boost::asio::io_context& io,
                                const boost::asio::ip::tcp::endpoint& to);

/// One datagram each, one system call each, no waiting. Errors: would_block, after which the socket
/// may be waited for; connection_refused where the peer has said so.
Result<std::size_t> receive_from(Socket& socket, std::span<char> into, Client& client);
Result<std::size_t> receive(Socket& socket, std::span<char> into);
error_code send(Socket& socket, std::span<const char> bytes);
error_code answer(Socket& socket, const Client& client, std::span<const char> bytes);

/// Whether an error says that nobody listens there, or that there is no way there.
bool refused(error_code failed);

}  // namespace tidegate::proxy::net
