#include "proxy/net/accept.h"

#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <cerrno>
#include <exception>

#include "base/surely.h"

namespace tidegate::proxy::net {

namespace {
constexpr std::chrono::milliseconds kPause{100};
}

Task<void> rest(TimerWheel& wheel) {
  Event over;
  auto notify = [&over] { over.notify(); };
  CallTimer<decltype(notify)> pause(notify);
  wheel.arm(pause, kPause);
  co_await over.wait();
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
      const error_code failed = co_await listening->wait_readable();
      if (failed == boost::asio::error::operation_aborted) break;
      if (failed) co_await rest(wheel);  // the poller takes it later
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      co_await rest(wheel);
    }  // else: that connection has gone already
  }
}

}  // namespace tidegate::proxy::net
