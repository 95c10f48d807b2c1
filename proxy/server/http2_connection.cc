#include "proxy/server/http2_connection.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "proxy/http/date.h"

namespace tidegate::proxy::server {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLingering{1000};

/// An HTTP/2 stream as the exchange sees it.
class Exchange final : public http::ServerStream {
 public:
  explicit Exchange(http2::Stream& stream) : stream_(stream) {}

  http::RequestHead& request() override { return stream_.request(); }
  http::BodySource& request_body() override { return stream_; }
  Task<error_code> send_informational(const http::ResponseHead& head) override {
    co_return stream_.send_informational(head);
  }
  Task<error_code> send_head(const http::ResponseHead& head, http::Chunk first) override {
    if (head.fields.has("date")) co_return co_await stream_.send_head(head, first);
    http::ResponseHead dated = head;
    dated.fields.append("date", http::date());
    co_return co_await stream_.send_head(dated, first);
  }
  Task<error_code> send_body(http::Chunk chunk) override { return stream_.send_body(chunk); }
  Task<error_code> send_trailers(const http::Fields& trailers) override { return stream_.send_trailers(trailers); }
  void abort() override { stream_.reset(http2::Error::kCancelled); }
  void watch_client(Watcher* watcher) override { stream_.watch(watcher); }

 private:
  http2::Stream& stream_;
};

}  // namespace

Http2Connection::Http2Connection(net::Stream& stream, asio::io_context& io, TimerWheel& wheel, BufferPool& buffers,
                                 HttpStats& stats, ServeExchange serve_exchange, const Options& options)
    : stream_(stream),
      io_(io),
      wheel_(wheel),
      buffers_(buffers),
      stats_(stats),
      serve_exchange_(std::move(serve_exchange)),
      options_(options),
      session_(http2::Role::kServer, *this, options.limits),
      idle_timer_([this] { idle_expired(); }),
      drain_timer_([this] {
        session_.finish_drain();
        turn();
      }),
      linger_timer_([this] { stop(http2::Error::kClosed); }) {}

Task<void> Http2Connection::serve(std::span<const char> already_read) {
  stats_.downstream_cx_http2_total.add();
  stats_.downstream_cx_http2_active.add();
  ++running_;
  asio::co_spawn(io_, write(), asio::detached);
  rearm_idle();
  error_code failed = feed(already_read);
  if (!failed) co_await read();
  while (!stopped_) co_await ended_.wait();  // what is still to be written
  while (exchanges_ > 0 || running_ > 0) co_await ended_.wait();
  idle_timer_.cancel();
  drain_timer_.cancel();
  linger_timer_.cancel();
  stats_.downstream_cx_http2_active.sub();
}

Task<void> Http2Connection::read() {
  BufferPool::Buffer buffer = buffers_.take();
  while (!stopped_) {
    Result<std::size_t> got = co_await stream_.read_some({buffer.get(), BufferPool::kBytes});
    if (!got) {
      stop(http2::Error::kClosed);
      break;
    }
    stats_.downstream_cx_rx_bytes_total.add(*got);
    if (stopping_) continue;  // lingering: what comes is read away
    if (feed({buffer.get(), *got})) continue;
  }
  buffers_.give(std::move(buffer));
}

error_code Http2Connection::feed(std::span<const char> bytes) {
  if (bytes.empty()) return {};
  error_code failed = session_.feed(bytes);
  if (failed) {
    stats_.downstream_cx_protocol_error.add();
    if (session_.flooded()) stats_.downstream_rq_too_many_premature_resets.add();
    stopping_ = true;
  }
  turn();
  return {};
}

void Http2Connection::turn() {
  if (stopped_) return;
  session_.wake();
  flush_.notify();
}

void Http2Connection::output_ready() {
  ++running_;
  asio::post(io_, [this] {
    --running_;
    turn();
    maybe_finished();
  });
}

Task<void> Http2Connection::write() {
  while (!stopped_) {
    co_await flush_.wait();
    while (!stopped_) {
      std::span<const char> bytes = session_.output();
      if (bytes.empty()) break;
      stats_.downstream_cx_tx_bytes_total.add(bytes.size());
      std::array<asio::const_buffer, 1> pieces{asio::buffer(bytes.data(), bytes.size())};
      if (error_code failed = co_await net::write_all(stream_, pieces)) {
        stop(http2::Error::kClosed);
        break;
      }
      session_.consume_output(bytes.size());
      session_.wake();
    }
    if (!stopped_ && (stopping_ || session_.done()) && !lingering_) {
      // The last bytes are out: FIN, and a moment for the client to read them before the connection goes.
      stopping_ = lingering_ = true;
      session_.close(http2::Error::kClosed);
      session_.wake();
      stream_.shutdown_send();
      wheel_.arm(linger_timer_, kLingering);
    }
  }
  --running_;
  maybe_finished();
}

void Http2Connection::request(std::unique_ptr<http2::Stream> stream) {
  stats_.downstream_rq_http2_total.add();
  stream->request().scheme = stream_.facts().tls ? "https" : "http";
  ++exchanges_;
  idle_timer_.cancel();
  asio::co_spawn(io_, run(std::move(stream)), asio::detached);
}

Task<void> Http2Connection::run(std::unique_ptr<http2::Stream> stream) {
  {
    Exchange exchange(*stream);
    co_await serve_exchange_(exchange);
  }
  stream.reset();
  --exchanges_;
  if (exchanges_ == 0) rearm_idle();
  maybe_finished();
}

void Http2Connection::rearm_idle() {
  if (options_.idle_timeout.count() > 0 && !stopped_) wheel_.arm(idle_timer_, options_.idle_timeout);
}

void Http2Connection::idle_expired() {
  stats_.downstream_cx_idle_timeout.add();
  session_.finish_drain();
  turn();
}

void Http2Connection::drain() {
  if (stopped_) return;
  stats_.downstream_cx_drain_close.add();
  session_.drain();
  wheel_.arm(drain_timer_, options_.drain_notice);
}

void Http2Connection::close() { stop(http2::Error::kClosed); }

void Http2Connection::stop(error_code reason) {
  if (stopped_) return;
  stopped_ = true;
  session_.close(reason);
  stream_.close();
  // The exchanges that wait are woken in a turn of their own: this one may be inside the session.
  ++running_;
  asio::post(io_, [this] {
    --running_;
    session_.wake();
    flush_.notify();
    maybe_finished();
  });
}

void Http2Connection::maybe_finished() {
  if (stopped_) ended_.notify();
}

}  // namespace tidegate::proxy::server
