#include "proxy/server/converse.h"

#include <algorithm>
#include <cstring>

#include "proxy/server/http1_connection.h"
#include "proxy/server/http2_connection.h"

namespace tidegate::proxy::server {

using std::chrono::milliseconds;

namespace {
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";  // RFC 9113 section 3.4
constexpr milliseconds kFirstBytesTimeout{75000};

Http1Connection::Options http1_options(const HttpOptions* options) {
  Http1Connection::Options out;
  if (!options) return out;
  if (options->idle) out.idle_timeout = *options->idle;
  if (options->fields_max)
    out.limits.fields_max = std::min<std::size_t>(*options->fields_max, 1000);
  out.requests_max = options->requests_max.value_or(0);
  // A head is read into one buffer, so that the usual limit is the highest.
  if (options->head_kb_max) {
    out.limits.head_bytes_max =
        std::min<std::size_t>(out.limits.head_bytes_max, std::size_t{*options->head_kb_max} * 1024);
  }
  return out;
}

Http2Connection::Options http2_options(const HttpOptions* options) {
  Http2Connection::Options out;
  if (!options) return out;
  if (options->idle) out.idle_timeout = *options->idle;
  http2::Limits& limits = out.limits;
  if (options->head_kb_max) limits.head.head_bytes_max = std::size_t{*options->head_kb_max} * 1024;
  if (options->fields_max)
    limits.head.fields_max = std::min<std::size_t>(*options->fields_max, 1000);
  if (options->http2_connect) limits.extended_connect = *options->http2_connect;
  out.requests_max = options->requests_max.value_or(0);
  if (options->http2_streams_max) limits.concurrent_streams = *options->http2_streams_max;
  if (options->http2_stream_window) limits.stream_window_bytes = *options->http2_stream_window;
  if (options->http2_connection_window)
    limits.connection_window_bytes = *options->http2_connection_window;
  return out;
}

}  // namespace

Task<void> converse(Loop& loop, net::Stream& stream, HttpStats& stats,
                    const ServeExchange& exchange, const HttpOptions* options,
                    std::function<void(const Refused&)> refused, Live& live, bool draining) {
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
    Http2Connection connection(stream, loop.io, loop.wheel, loop.buffers, stats, exchange,
                               http2_options(options));
    live.drain = [&connection] { connection.drain(); };
    live.close = [&connection] { connection.close(); };
    live.buffered = [&connection] { return connection.buffered_bytes(); };
    if (draining) connection.drain();
    co_await connection.serve({first, have});
  } else {
    Http1Connection::Options http1 = http1_options(options);
    http1.refused = std::move(refused);
    Http1Connection connection(loop, stream, stats, exchange, http1);
    live.drain = [&connection] { connection.drain(); };
    live.close = [&connection] { connection.close(); };
    live.buffered = [&connection] { return connection.buffered_bytes(); };
    if (draining) connection.drain();
    co_await connection.serve({first, have});
  }
  live.buffered = nullptr;
  live.drain = live.close = [] {};
}

}  // namespace tidegate::proxy::server
