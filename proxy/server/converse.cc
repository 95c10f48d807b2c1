#include "proxy/server/converse.h"

#include <algorithm>
#include <string>

#include "proxy/server/http1_connection.h"
#include "proxy/server/http2_connection.h"

namespace tidegate::proxy::server {

using std::chrono::milliseconds;

namespace {
/// The target may take what a large head has.
void set_head_max(std::size_t kib, http::HeadLimits& limits) {
  limits.head_bytes_max = kib * 1024;
  if (kib >= 32) limits.target_bytes_max = limits.head_bytes_max;
}

Http1Connection::Options http1_options(const HttpOptions* options) {
  Http1Connection::Options out;
  if (!options) return out;
  if (options->idle) out.idle_timeout = *options->idle;
  if (options->stream_idle) out.body_timeout = out.send_timeout = *options->stream_idle;
  if (options->fields_max)
    out.limits.fields_max = std::min<std::size_t>(*options->fields_max, 1000);
  out.requests_max = options->requests_max.value_or(0);
  if (options->head_kb_max) set_head_max(*options->head_kb_max, out.limits);
  return out;
}

Http2Connection::Options http2_options(const HttpOptions* options) {
  Http2Connection::Options out;
  if (!options) return out;
  if (options->idle) out.idle_timeout = *options->idle;
  if (options->stream_idle) out.body_timeout = out.send_timeout = *options->stream_idle;
  http2::Limits& limits = out.limits;
  if (options->head_kb_max) {
    set_head_max(*options->head_kb_max, limits.head);
    // A frame has 16 KiB at most.
    limits.continuations_max =
        std::max<std::size_t>(limits.continuations_max, *options->head_kb_max / 16 + 1);
  }
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

Task<bool> http2(Loop& loop, net::Stream& stream, HttpStats& stats, const Terms& terms, Live& live,
                 std::string first, bool draining) {
  Http2Connection connection(stream, loop.io, loop.wheel, loop.buffers, stats, terms.exchange,
                             http2_options(terms.options ? terms.options() : nullptr));
  live.drain = [&connection] { connection.drain(); };
  live.close = [&connection] { connection.close(); };
  live.buffered = [&connection] { return connection.buffered_bytes(); };
  if (draining) connection.drain();
  co_await connection.serve(first);
  live.buffered = nullptr;
  live.drain = live.close = [&stream] { stream.close(); };
  co_return false;
}

Task<bool> http1(Loop& loop, net::Stream& stream, HttpStats& stats, const Terms& terms, Live& live,
                 Http1Connection::History& history, bool draining) {
  std::string first;  // of HTTP/2 that has begun without being asked for
  {
    Http1Connection::Options options = http1_options(terms.options ? terms.options() : nullptr);
    options.may_be_http2 = !stream.facts().tls;
    options.refused = terms.refused;
    Http1Connection connection(loop, stream, stats, terms.exchange, options, history);
    live.drain = [&connection] { connection.drain(); };
    live.close = [&connection] { connection.close(); };
    live.buffered = [&connection] { return connection.buffered_bytes(); };
    if (draining) connection.drain();
    const Http1Connection::Ended ended = co_await connection.serve();
    live.buffered = nullptr;
    live.drain = live.close = [&stream] { stream.close(); };
    draining = connection.draining();
    if (ended != Http1Connection::Ended::kHttp2)
      co_return ended == Http1Connection::Ended::kIdle && !draining;
    first.assign(connection.unread().data(), connection.unread().size());
  }
  co_return co_await http2(loop, stream, stats, terms, live, std::move(first), draining);
}

/// Until something comes. False: the connection is over.
Task<bool> idle(Loop& loop, net::Stream& stream, HttpStats& stats, const Terms& terms) {
  const milliseconds time = idle_timeout(terms.options ? terms.options() : nullptr);
  auto late = [&stream] { stream.close(); };
  CallTimer<decltype(late)> deadline(late);
  if (time.count() > 0) loop.wheel.arm(deadline, time);
  const error_code failed = co_await stream.wait_readable();
  if (failed && time.count() > 0 && !deadline.armed()) stats.downstream_cx_idle_timeout.add();
  co_return !failed;
}

}  // namespace

Task<bool> converse_until_idle(Loop& loop, net::Stream& stream, HttpStats& stats,
                               const Terms& terms, Live& live, Http1Connection::History& history) {
  const bool draining = terms.draining && terms.draining();
  if (stream.facts().alpn == "h2") return http2(loop, stream, stats, terms, live, {}, draining);
  return http1(loop, stream, stats, terms, live, history, draining);
}

milliseconds idle_timeout(const HttpOptions* options) {
  return options && options->idle ? *options->idle : Http1Connection::Options().idle_timeout;
}

Task<void> converse(Loop& loop, net::Stream& stream, HttpStats& stats, const Terms& terms,
                    Live& live) {
  /// Counts the connection until it ends, also by an exception.
  struct Counted : Http1Connection::History {
    explicit Counted(HttpStats& stats_in) : stats(stats_in) {}
    ~Counted() {
      if (counted) stats.downstream_cx_http1_active.sub();
    }
    HttpStats& stats;
  } history(stats);
  while (true) {  // a statement each: a coroutine's frame lasts as long as its expression
    const bool idles = co_await converse_until_idle(loop, stream, stats, terms, live, history);
    if (!idles) break;
    const bool goes_on = co_await idle(loop, stream, stats, terms);
    if (!goes_on) break;
  }
  live.drain = live.close = [] {};
}

}  // namespace tidegate::proxy::server
