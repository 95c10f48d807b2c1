#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "proxy/http/stream.h"
#include "proxy/http2/limits.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/slot.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/cluster.h"

namespace tidegate::proxy::upstream {

/// A connection to an HTTP/2 upstream that many exchanges share. Its streams may outlive it: they
/// go on, and the connection ends with the last of them. One worker; loop and stats live longer.
/// Errors of its streams: upstream::Error as of HTTP/1, but http2::Error where http2::retry_safe()
/// says that the upstream has certainly not processed the request.
class Http2Client {
 public:
  /// `stream` is connected, with TLS and ALPN done. Ends where it has no stream for `idle_timeout`
  /// (0: never), or does not answer as `keepalive` wants it. After `duration_max` (0: never) it
  /// takes no more streams, and ends with its last one.
  Http2Client(std::unique_ptr<net::Stream> stream, Loop& loop, ClusterStats& stats,
              std::chrono::milliseconds idle_timeout = std::chrono::milliseconds(60000),
              const http2::Limits& limits = http2::upstream_limits(),
              const std::optional<Http2Keepalive>& keepalive = std::nullopt,
              std::chrono::milliseconds duration_max = std::chrono::milliseconds(0));
  ~Http2Client();
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  /// Its place among the connections of its cluster, until it has ended.
  void keep(Slot slot);
  /// Starts reading and writing; once, before open().
  void start();
  /// A new exchange; nullptr where !usable().
  std::unique_ptr<http::ClientStream> open();
  /// Whether open() would give a stream now: no GOAWAY, not closed, below the peer's concurrent
  /// streams.
  bool usable() const;
  /// Streams that somebody holds.
  std::size_t active() const;
  /// Ends everything now.
  void close();

 private:
  class Core;
  class ClientExchange;
  std::shared_ptr<Core> core_;  // shared with its streams and its coroutine
};

}  // namespace tidegate::proxy::upstream
