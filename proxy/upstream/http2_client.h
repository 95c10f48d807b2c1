#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "base/result.h"
#include "proxy/http/stream.h"
#include "proxy/http2/limits.h"
#include "proxy/net/stream.h"

namespace tidegate::proxy::upstream {

/// A connection to an HTTP/2 upstream that many exchanges share. Its streams may outlive it: they fail with
/// http2::Error::kClosed. One worker.
/// Errors of its streams: http2::Error; http2::retry_safe() says which the upstream has certainly not processed.
class Http2Client {
 public:
  /// `stream` is connected, with TLS and ALPN done.
  Http2Client(std::unique_ptr<net::Stream> stream, const http2::Limits& limits = {});
  ~Http2Client();
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  /// Starts reading and writing; once, before open().
  void start(boost::asio::io_context& io);
  /// A new exchange; nullptr where !usable().
  std::unique_ptr<http::ClientStream> open();
  /// Whether open() would give a stream now: no GOAWAY, not closed, below the peer's concurrent streams.
  bool usable() const;
  /// Streams that somebody holds.
  std::size_t active() const;
  /// Streams opened in its life.
  std::size_t opened() const;
  /// Whether no new stream will ever be possible.
  bool closed() const;
  /// Called once, in a turn of its own, when closed() has become true (GOAWAY, end or error of the connection). It may
  /// destroy the client; streams go on after a GOAWAY.
  void on_close(std::function<void(error_code)> callback);
  /// Called when a stream has ended, so that usable() may have become true.
  void on_stream_end(std::function<void()> callback);
  /// Ends everything now.
  void close();
  const net::ConnectionFacts& facts() const;

 private:
  class Core;
  class ClientExchange;
  std::shared_ptr<Core> core_;  // shared with its streams and its two coroutines
};

}  // namespace tidegate::proxy::upstream
