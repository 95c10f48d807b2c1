#pragma once

#include <functional>

#include "base/task.h"
#include "proxy/http/stream.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/server/http1_connection.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::proxy::server {

/// What runs one exchange; the stream outlives the task.
using ServeExchange = std::function<Task<void>(http::ServerStream&)>;

/// How a connection that is being served is told to end.
struct Live {
  std::function<void()> drain;            // the answer under way is the last one
  std::function<void()> close;            // at once
  std::function<std::size_t()> buffered;  // bytes that it holds; empty: next to none
};

/// Whom a connection is served for, and how. Asked each time that something comes after the
/// connection has idled, so that it goes by what holds then.
struct Terms {
  ServeExchange exchange;
  /// The site's, where a policy says otherwise than usual; null: it does not. Looked at at once.
  std::function<const HttpOptions*()> options;
  std::function<void(const Refused&)> refused;  // told of answers to what was no request
  std::function<bool()> draining;
};

/// Serves HTTP on a connection until it idles (true) or is over: HTTP/2 where ALPN said so, or
/// where a plaintext client begins with the preface (prior knowledge, RFC 9113 section 3.3); else
/// HTTP/1, which alone idles here. Sets `live` to the protocol's ways to end. `history` is the
/// connection's. Lifetime: `terms` outlive it.
Task<bool> converse_until_idle(Loop& loop, net::Stream& stream, HttpStats& stats,
                               const Terms& terms, Live& live, Http1Connection::History& history);
/// How long a connection may idle, by the site's options (null: as usual). 0: for ever.
std::chrono::milliseconds idle_timeout(const HttpOptions* options);

/// The same until it is over, for who keeps the stream while it idles.
Task<void> converse(Loop& loop, net::Stream& stream, HttpStats& stats, const Terms& terms,
                    Live& live);

}  // namespace tidegate::proxy::server
