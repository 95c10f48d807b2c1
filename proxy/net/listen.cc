#include "proxy/net/listen.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>

namespace tidegate::proxy::net {

namespace asio = boost::asio;

namespace {

error_code last_error() { return {errno, boost::system::system_category()}; }

Result<int> bound_socket(const asio::ip::tcp::endpoint& at, bool shared) {
  int fd = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return last_error();
  const int on = 1;
  bool good = ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
  good = good && ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ==
                     0;  // what is accepted has it too
  if (at.address().is_v6())
    good = good && ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0;
  if (shared) good = good && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  good = good && ::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0;
  if (good) return fd;
  error_code failed = last_error();
  ::close(fd);
  return failed;
}

}  // namespace

Result<int> open_listening_socket(const asio::ip::address& ip, std::uint16_t port, bool exclusive) {
  const asio::ip::tcp::endpoint at(ip, port);
  if (exclusive) {
    Result<int> probe = bound_socket(at, false);
    if (!probe) return probe.error();
    // Two sockets with SO_REUSEADDR may be bound to one port as long as none listens: only listen()
    // tells for sure.
    const bool alone = ::listen(*probe, 1) == 0;
    error_code failed = last_error();
    ::close(*probe);
    if (!alone) return failed;
  }
  Result<int> fd = bound_socket(at, true);
  if (!fd) return fd;
  if (::listen(*fd, 4096) == 0) return fd;
  error_code failed = last_error();
  ::close(*fd);
  return failed;
}

}  // namespace tidegate::proxy::net
