#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <span>

#include "base/result.h"
#include "base/task.h"
#include "proxy/http/stream.h"
#include "proxy/http2/session.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/buffers.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/stats.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::server {

/// A client's HTTP/2 connection: reads, writes once a turn of the loop, and runs one coroutine a stream.
/// Lifetime: what it is given lives longer; it lives until serve() has returned, which waits for every stream's coroutine.
class Http2Connection final : private http2::Session::Handler {
 public:
  using ServeExchange = std::function<Task<void>(http::ServerStream&)>;
  struct Options {
    http2::Limits limits;
    std::chrono::milliseconds idle_timeout{60000};   // without a stream; 0: none
    std::chrono::milliseconds drain_notice{1000};    // between the two GOAWAYs, at most
  };

  Http2Connection(net::Stream& stream, boost::asio::io_context& io, TimerWheel& wheel, BufferPool& buffers,
                  HttpStats& stats, ServeExchange serve_exchange, const Options& options);

  /// Until the connection has ended and every stream with it. `already_read` starts with the client's preface.
  Task<void> serve(std::span<const char> already_read);
  /// No new streams; serve() returns when the last has ended.
  void drain();
  /// Breaks off: every stream is told that its client has gone.
  void close();
  std::size_t active() const { return exchanges_; }

 private:
  void request(std::unique_ptr<http2::Stream> stream) override;
  void output_ready() override;

  Task<void> run(std::unique_ptr<http2::Stream> stream);
  Task<void> write();
  Task<void> read();
  error_code feed(std::span<const char> bytes);
  void turn();
  void stop(error_code reason);
  void rearm_idle();
  void idle_expired();
  void maybe_finished();

  net::Stream& stream_;
  boost::asio::io_context& io_;
  TimerWheel& wheel_;
  BufferPool& buffers_;
  HttpStats& stats_;
  ServeExchange serve_exchange_;
  Options options_;
  http2::Session session_;
  CallTimer<std::function<void()>> idle_timer_;
  CallTimer<std::function<void()>> drain_timer_;
  CallTimer<std::function<void()>> linger_timer_;
  Event flush_;
  Event ended_;
  std::size_t exchanges_ = 0;
  std::size_t running_ = 0;  // coroutines and posted turns that use this object
  bool stopping_ = false;   // write what there is, then close
  bool lingering_ = false;  // all is written
  bool stopped_ = false;
};

}  // namespace tidegate::proxy::server
