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

/// Serves HTTP on a connection until it is over: HTTP/2 where ALPN said so, or where a plaintext
/// client begins with the preface (prior knowledge, RFC 9113 section 3.3); else HTTP/1. Sets `live`
/// to the protocol's ways to end.
/// `options` are the site's, where a policy says otherwise than usual; null: it does not. They are
/// looked at once. `refused` is told of answers to what was no request; may be empty.
Task<void> converse(Loop& loop, net::Stream& stream, HttpStats& stats,
                    const ServeExchange& exchange, const HttpOptions* options,
                    std::function<void(const Refused&)> refused, Live& live, bool draining);

}  // namespace tidegate::proxy::server
