#include "proxy/net/preamble.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

namespace tidegate::proxy::net {
namespace {

namespace ip = boost::asio::ip;

void append(std::string& out, const ip::address& address) {
  auto add = [&out](const auto& bytes) {
    for (const unsigned char byte : bytes) out += static_cast<char>(byte);
  };
  if (address.is_v4()) {
    add(address.to_v4().to_bytes());
  } else {
    add(address.to_v6().to_bytes());
  }
}

void append(std::string& out, std::uint16_t number) {
  out += static_cast<char>(number >> 8U);
  out += static_cast<char>(number & 0xffU);
}

/// A client of IPv4 on a socket that takes both.
ip::address plain(const ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

}  // namespace

std::string preamble(ProxyProtocol version, const ConnectionFacts* client) {
  ip::address from, to;
  if (client != nullptr) {
    from = plain(client->remote.address());
    to = plain(client->local.address());
  }
  const bool known = client != nullptr && from.is_v4() == to.is_v4();
  if (version == ProxyProtocol::kV1) {
    if (!known) return "PROXY UNKNOWN\r\n";
    return fmt::format("PROXY {} {} {} {} {}\r\n", from.is_v4() ? "TCP4" : "TCP6", from.to_string(),
                       to.to_string(), client->remote.port(), client->local.port());
  }
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += known ? '\x21' : '\x20';  // version 2; PROXY or LOCAL
  out += static_cast<char>(!known ? 0 : from.is_v4() ? 0x11 : 0x21);
  append(out, static_cast<std::uint16_t>(!known ? 0 : from.is_v4() ? 12 : 36));
  if (known) {
    append(out, from);
    append(out, to);
    append(out, client->remote.port());
    append(out, client->local.port());
  }
  return out;
}

bool write_preamble(const Socket& socket, ProxyProtocol version, const ConnectionFacts* client) {
  const std::string bytes = preamble(version, client);
  // The buffer of a new connection has room for it.
  return ::send(socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

void set_keepalive(const Socket& socket, const TcpKeepalive& keepalive) {
  auto set = [&socket](int level, int name, int value) {
    ::setsockopt(socket.fd(), level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  if (keepalive.probes) set(IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(*keepalive.probes));
  if (keepalive.time) set(IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keepalive.time->count()));
  if (keepalive.interval)
    set(IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keepalive.interval->count()));
}

void set_buffers(const Socket& socket, std::uint32_t bytes) {
  const int value = static_cast<int>(std::min<std::uint32_t>(bytes, 0x7fffffff));
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &value, sizeof value);
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUF, &value, sizeof value);
}

}  // namespace tidegate::proxy::net
