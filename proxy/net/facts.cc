#include "proxy/net/facts.h"

#include <sys/socket.h>

#include <atomic>

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

std::uint64_t next_connection_id() {
  static std::atomic<std::uint64_t> last{0};  // once a connection: workers do not wait for it
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

Endpoint local_address(const Socket& socket) { return ask(socket.fd(), ::getsockname); }

void begin_facts(const Socket& socket, const Accepted& accepted, ConnectionFacts& facts) {
  facts.id = accepted.id;
  facts.local = accepted.local.port() != 0 ? accepted.local : local_address(socket);
  facts.remote = accepted.remote.port() != 0 ? accepted.remote : ask(socket.fd(), ::getpeername);
  if (accepted.named && accepted.named->source) {
    facts.direct_remote = facts.remote;
    facts.remote = *accepted.named->source;
  }
  if (accepted.named && accepted.named->destination) {
    facts.direct_local = facts.local;
    facts.local = *accepted.named->destination;
  }
  facts.remote_ip = facts.remote.address().to_string();
}

}  // namespace tidegate::proxy::net
