#include "proxy/net/connection_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>

namespace tidegate::proxy::net {

void set_options(int fd, const ConnectionOptions& options) {
  auto set = [fd](int level, int name, std::int64_t wanted) {
    const int value =
        static_cast<int>(std::min<std::int64_t>(wanted, std::numeric_limits<int>::max()));
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  if (options.keepalive) {
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    if (options.keepalive->probes > 0) set(IPPROTO_TCP, TCP_KEEPCNT, options.keepalive->probes);
    if (options.keepalive->idle.count() > 0)
      set(IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive->idle.count());
    if (options.keepalive->interval.count() > 0)
      set(IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive->interval.count());
  }
  if (options.buffer_max) {
    set(SOL_SOCKET, SO_RCVBUF, *options.buffer_max);
    set(SOL_SOCKET, SO_SNDBUF, *options.buffer_max);
  }
}

}  // namespace tidegate::proxy::net
