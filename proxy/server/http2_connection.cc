#include "proxy/server/http2_connection.h"

#include <exception>
#include <limits>

#include "base/surely.h"
#include "proxy/http/date.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLingering{1000};
constexpr milliseconds kGoodbye{5000};  // from GOAWAY to the end of a connection without streams
constexpr int kSweeps = 4;              // in `send_timeout`

int sweeps_in(milliseconds time, milliseconds send_timeout) {
  return static_cast<int>(
      std::min<std::int64_t>(kSweeps * time / send_timeout, std::numeric_limits<int>::max()));
}

/// An HTTP/2 stream as the exchange sees it.
class Exchange final : public http::ServerStream {
 public:
  Exchange(http2::Stream& stream, milliseconds send_timeout)
      : stream_(stream), send_timeout_(send_timeout) {}

  http::RequestHead& request() override { return stream_.request(); }
  http::BodySource& request_body() override { return stream_; }
  Task<error_code> send_informational(const http::ResponseHead& head) override {
    co_return stream_.send_informational(head);
  }
  Task<error_code> send_head(const http::ResponseHead& head, http::Chunk first) override {
    return stream_.send_head(head, first, http::date());
  }
  Task<error_code> send_body(http::Chunk chunk) override { return stream_.send_body(chunk); }
  Task<error_code> send_trailers(const http::Fields& trailers) override {
    return stream_.send_trailers(trailers);
  }
  void abort() override { stream_.reset(http2::Error::kCancelled); }
  void watch_client(Watcher* watcher) override { stream_.watch(watcher); }
  void let_pause(milliseconds most) override {
    if (most.count() == 0) return stream_.let_pause(std::numeric_limits<int>::max());
    if (send_timeout_.count() > 0) stream_.let_pause(sweeps_in(most, send_timeout_));
  }

 private:
  http2::Stream& stream_;
  const milliseconds send_timeout_;
};

}  // namespace

Http2Connection::Http2Connection(net::Stream& stream, asio::io_context& io, TimerWheel& wheel,
                                 BufferPool& buffers, HttpStats& stats,
                                 ServeExchange serve_exchange, const Options& options)
    : stream_(stream),
      io_(io),
      wheel_(wheel),
      stats_(stats),
      serve_exchange_(std::move(serve_exchange)),
      options_(options),
      pump_(stream, io, wheel, buffers, *this,
            {stats.downstream_cx_rx_bytes_total, stats.downstream_cx_tx_bytes_total}),
      session_(http2::Role::kServer, *this, options.limits, &stats.limits),
      idle_timer_([this] {
        if (session_.draining()) return pump_.stop();  // it does not even take our GOAWAY
        stats_.downstream_cx_idle_timeout.add();
        session_.finish_drain();
        wheel_.arm(idle_timer_, kGoodbye);
      }),
      drain_timer_([this] { session_.finish_drain(); }),
      stall_timer_([this] { sweep(); }) {}

Task<void> Http2Connection::serve(std::span<const char> already_read) {
  stats_.downstream_cx_http2_total.add();
  stats_.downstream_cx_http2_active.add();
  pump_.ask();  // our settings
  rearm_idle();
  try {
    if (already_read.empty() || received(already_read)) co_await pump_.run();
  } catch (const std::exception& failed) {  // what is posted still speaks of us
    tell_failure("a connection was given up", failed.what());
  }
  over_ = true;
  idle_timer_.cancel();
  drain_timer_.cancel();
  stall_timer_.cancel();
  session_.close(http2::Error::kClosed);
  try {
    co_await pump_.finish(kLingering);
  } catch (const std::exception&) {
    stream_.close();
  }
  while (exchanges_ > 0 || pump_.busy()) co_await pump_.next_turn();
  stats_.downstream_cx_http2_active.sub();
}

bool Http2Connection::received(std::span<const char> bytes) {
  error_code failed = session_.feed(bytes);
  if (!failed) return true;
  stats_.downstream_cx_protocol_error.add();
  if (failed == http2::Error::kFlood) stats_.downstream_rq_too_many_premature_resets.add();
  return false;
}

void Http2Connection::written() {
  if (session_.done() && exchanges_ == 0) pump_.stop();
}

void Http2Connection::request(std::unique_ptr<http2::Stream> stream) {
  stats_.downstream_rq_http2_total.add();
  stream->request().scheme = stream_.facts().tls ? "https" : "http";
  ++exchanges_;
  if (++requests_ == options_.requests_max) {
    stats_.downstream_cx_max_requests_reached.add();
    drain();
  }
  idle_timer_.cancel();
  if (!stall_timer_.armed() && options_.send_timeout.count() > 0)
    wheel_.arm(stall_timer_, options_.send_timeout / kSweeps);
  try {
    spawn(io_, run(std::move(stream)));
  } catch (const std::exception&) {
    --exchanges_;
    throw;
  }
}

void Http2Connection::refused(int status) {
  stats_.downstream_rq_http2_total.add();
  stats_.downstream_rq_total.add();
  stats_.downstream_rq_completed.add();
  stats_.downstream_rq_xx[static_cast<std::size_t>(status / 100 - 1)].add();
}

Task<void> Http2Connection::run(std::unique_ptr<http2::Stream> stream) {
  try {
    Exchange exchange(*stream, options_.send_timeout);
    co_await serve_exchange_(exchange);
  } catch (const std::exception& failed) {
    tell_failure("an exchange was given up", failed.what());
    stream->reset(http2::Error::kCancelled);
  }
  stream.reset();
  if (--exchanges_ == 0) rearm_idle();
  pump_.ask();  // who waits for the last one hears of it in a turn of its own
}

void Http2Connection::rearm_idle() {
  if (options_.idle_timeout.count() > 0 && !over_) wheel_.arm(idle_timer_, options_.idle_timeout);
}

/// A client that takes nothing of an answer, or sends nothing of its body, holds memory and a
/// connection to the backend.
void Http2Connection::sweep() {
  if (exchanges_ == 0 || over_) return;
  const int reading = sweeps_in(options_.body_timeout, options_.send_timeout);
  const http2::Session::Stalled stalled = session_.sweep_stalled(kSweeps, reading);
  stats_.downstream_rq_idle_timeout.add(stalled.sending + stalled.reading);
  stats_.limits.send_time.add(stalled.sending);
  stats_.limits.body_time.add(stalled.reading);
  wheel_.arm(stall_timer_, options_.send_timeout / kSweeps);
}

void Http2Connection::drain() {
  if (over_) return;
  stats_.downstream_cx_drain_close.add();
  session_.drain();
  wheel_.arm(drain_timer_, options_.drain_notice);
}

void Http2Connection::close() {
  stream_.close();
  pump_.stop();
}

}  // namespace tidegate::proxy::server
