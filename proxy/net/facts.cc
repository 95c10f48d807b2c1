#include "proxy/net/facts.h"

#include <sys/socket.h>

namespace tidegate::proxy::net {
namespace {

using Endpoint = boost::asio::ip::tcp::endpoint;

template <class Ask>
Endpoint ask(int fd, Ask ask_kernel) {
  Endpoint out;
  socklen_t size = static_cast<socklen_t>(out.capacity());
  if (ask_kernel(fd, out.data(), &size) != 0) return Endpoint();
  out.resize(size);
  return out;
}

}  // namespace

void read_addresses(const Socket& socket, ConnectionFacts& facts) {
  facts.local = ask(socket.fd(), ::getsockname);
  facts.remote = ask(socket.fd(), ::getpeername);
  facts.remote_ip = facts.remote.address().to_string();
}

}  // namespace tidegate::proxy::net
