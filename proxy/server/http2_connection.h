#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <span>

#include "base/result.h"
#include "base/task.h"
#include "proxy/http/stream.h"
#include "proxy/http2/session.h"
#include "proxy/net/pump.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/buffers.h"
#include "proxy/runtime/stats.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::server {

/// A client's HTTP/2 connection: reads, writes once a turn of the loop, and runs one coroutine a
/// stream. Lifetime: what it is given lives longer; it lives until serve() has returned, which
/// waits for every stream's coroutine.
class Http2Connection final : private http2::Session::Handler, private net::Pump::User {
 public:
  using ServeExchange = std::function<Task<void>(http::ServerStream&)>;
  struct Options {
    http2::Limits limits;
    std::chrono::milliseconds idle_timeout{75000};   // without a stream; 0: none
    std::chrono::milliseconds send_timeout{60000};   // in which a stream's client takes no byte
    std::chrono::milliseconds body_timeout{300000};  // in which it sends none of a body
    std::uint32_t requests_max = 0;                  // then no more streams; 0: any number
    std::chrono::milliseconds drain_notice{1000};    // between the two GOAWAYs, at most
  };

  Http2Connection(net::Stream& stream, boost::asio::io_context& io, TimerWheel& wheel,
                  BufferPool& buffers, HttpStats& stats, ServeExchange serve_exchange,
                  const Options& options);

  /// Until the connection has ended and every stream with it. `already_read` starts with the
  /// client's preface.
  Task<void> serve(std::span<const char> already_read);
  /// No new streams; serve() returns when the last has ended.
  void drain();
  /// Breaks off: every stream is told that its client has gone.
  void close();
  std::size_t active() const { return exchanges_; }
  std::size_t buffered_bytes() const { return session_.buffered_bytes(); }

 private:
  void request(std::unique_ptr<http2::Stream> stream) override;
  void refused(int status) override;
  void output_ready() override { pump_.ask(); }
  bool received(std::span<const char> bytes) override;
  void turn() override { session_.wake(); }
  std::span<const char> output() override { return session_.output(); }
  void consume_output(std::size_t bytes) override { session_.consume_output(bytes); }
  void written() override;

  Task<void> run(std::unique_ptr<http2::Stream> stream);
  void rearm_idle();
  void sweep();

  net::Stream& stream_;
  boost::asio::io_context& io_;
  TimerWheel& wheel_;
  HttpStats& stats_;
  ServeExchange serve_exchange_;
  Options options_;
  net::Pump pump_;
  http2::Session session_;
  CallTimer<std::function<void()>> idle_timer_;
  CallTimer<std::function<void()>> drain_timer_;
  CallTimer<std::function<void()>> stall_timer_;
  std::size_t exchanges_ = 0;
  std::uint32_t requests_ = 0;
  bool over_ = false;
};

}  // namespace tidegate::proxy::server
