#include "proxy/net/accept.h"

#include <sys/socket.h>

#include <cerrno>
#include <exception>

#include "proxy/runtime/run.h"

namespace tidegate::proxy::net {

namespace {
constexpr std::chrono::milliseconds kPause{100};
}

Task<void> accept_all(boost::asio::io_context& io, TimerWheel& wheel,
                      std::shared_ptr<Socket> listening,
                      std::function<void(Socket, const Accepted&)> serve) {
  // Connections have the address that the socket is bound to, unless it is bound to all.
  Accepted accepted;
  if (const auto bound = local_address(*listening); !bound.address().is_unspecified())
    accepted.local = bound;
  while (listening->is_open()) {
    boost::asio::ip::tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    const int fd = ::accept4(listening->fd(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      peer.resize(size);
      accepted.remote = peer;
      try {
        serve(Socket(io, fd, true), accepted);
      } catch (const std::exception& failed) {  // this connection ends; others come
        tell_failure("a connection could not be taken", failed.what());
      }
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      listening->read_exhausted(true);
      if (co_await listening->wait_readable()) break;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      Event over;
      auto notify = [&over] { over.notify(); };
      CallTimer<decltype(notify)> pause(notify);
      wheel.arm(pause, kPause);
      co_await over.wait();
    }  // else: that connection has gone already
  }
}

}  // namespace tidegate::proxy::net
