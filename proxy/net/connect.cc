#include "proxy/net/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <limits>

namespace tidegate::proxy::net {

namespace asio = boost::asio;

bool for_ourselves(int fd) {
  static const rlim_t first = [] {
    constexpr rlim_t kReserved = 32;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
      return std::numeric_limits<rlim_t>::max();
    return limit.rlim_cur - std::min(kReserved, limit.rlim_cur / 8);
  }();
  return fd >= 0 && static_cast<rlim_t>(fd) >= first;
}

Task<Result<Socket>> connect(asio::io_context& io, asio::ip::tcp::endpoint to, TimerWheel& wheel,
                             std::chrono::milliseconds timeout, bool ours) {
  const int fd = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return error_code(errno, boost::system::system_category());
  if (!ours && for_ourselves(fd)) {
    ::close(fd);
    co_return error_code(EMFILE, boost::system::system_category());
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const bool under_way = ::connect(fd, to.data(), static_cast<socklen_t>(to.size())) != 0;
  if (under_way && errno != EINPROGRESS) {
    const error_code failed(errno, boost::system::system_category());
    ::close(fd);
    co_return failed;
  }
  Socket socket(io, fd, false);
  if (!socket.is_open()) co_return error_code(asio::error::no_descriptors);
  if (!under_way) co_return std::move(socket);
  socket.write_exhausted();
  auto late = [&socket] { socket.close(); };
  CallTimer<decltype(late)> deadline(late);
  wheel.arm(deadline, timeout);
  const error_code waited = co_await socket.wait_writable();
  if (!deadline.armed()) co_return error_code(asio::error::timed_out);
  if (waited) co_return waited;
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) co_return error_code(failed, boost::system::system_category());
  co_return std::move(socket);
}

}  // namespace tidegate::proxy::net
