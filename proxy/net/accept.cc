#include "proxy/net/accept.h"

#include <sys/socket.h>

#include <cerrno>

namespace tidegate::proxy::net {

namespace {
constexpr std::chrono::milliseconds kPause{100};
}

Task<void> accept_all(boost::asio::io_context& io, TimerWheel& wheel,
                      std::shared_ptr<Socket> listening, std::function<void(Socket)> serve) {
  while (listening->is_open()) {
    const int fd = ::accept4(listening->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      serve(Socket(io, fd, true));
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
