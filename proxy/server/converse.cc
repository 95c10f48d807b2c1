#include "proxy/server/converse.h"

#include <cstring>

#include "proxy/server/http1_connection.h"
#include "proxy/server/http2_connection.h"

namespace tidegate::proxy::server {

using std::chrono::milliseconds;

namespace {
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4
constexpr milliseconds kFirstBytesTimeout{75000};
}  // namespace

Task<void> converse(Loop& loop, net::Stream& stream, HttpStats& stats,
                    const ServeExchange& exchange, Live& live, bool draining) {
  live.close = live.drain = [&stream] { stream.close(); };
  char first[kPreface.size()];
  std::size_t have = 0;
  bool http2 = stream.facts().alpn == "h2";
  if (!stream.facts().tls) {
    auto late = [&stream] { stream.close(); };
    CallTimer<decltype(late)> deadline(late);
    loop.wheel.arm(deadline, kFirstBytesTimeout);
    while (have < sizeof first) {
      Result<std::size_t> got = co_await stream.read_some({first + have, sizeof first - have});
      if (!got) co_return;
      have += *got;
      if (std::memcmp(first, kPreface.data(), have) != 0) break;
      http2 = have == sizeof first;
    }
  }
  if (http2) {
    Http2Connection connection(stream, loop.io, loop.wheel, loop.buffers, stats, exchange, {});
    live.drain = [&connection] { connection.drain(); };
    live.close = [&connection] { connection.close(); };
    if (draining) connection.drain();
    co_await connection.serve({first, have});
  } else {
    Http1Connection connection(loop, stream, stats, exchange, {});
    live.drain = [&connection] { connection.drain(); };
    live.close = [&connection] { connection.close(); };
    if (draining) connection.drain();
    co_await connection.serve({first, have});
  }
  live.drain = live.close = [] {};
}

}  // namespace tidegate::proxy::server
