#include "proxy/upstream/http2_client.h"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "proxy/http2/session.h"
#include "proxy/runtime/event.h"

namespace tidegate::proxy::upstream {

namespace asio = boost::asio;

class Http2Client::Core final : private http2::Session::Handler, public std::enable_shared_from_this<Core> {
 public:
  Core(std::unique_ptr<net::Stream> stream, Loop& loop, ClusterStats& stats, const http2::Limits& limits)
      : stream_(std::move(stream)), loop_(loop), stats_(stats), session_(http2::Role::kClient, *this, limits) {
    stats_.upstream_cx_active.add();
  }
  ~Core() {
    stream_->close();
    stats_.upstream_cx_active.sub();
    stats_.upstream_cx_destroy.add();
  }

  void start() {
    asio::co_spawn(loop_.io, write(shared_from_this()), asio::detached);
    asio::co_spawn(loop_.io, read(shared_from_this()), asio::detached);
    flush_.notify();  // preface and settings
  }
  void close() { stop(http2::Error::kClosed); }
  /// Its client has gone: ends when its last stream has.
  void retire() {
    retired_ = true;
    end_if_unused();
  }
  void end_if_unused() {
    if (retired_ && session_.active() == 0) stop(http2::Error::kClosed);
  }
  http2::Session& session() { return session_; }
  bool stopped() const { return stopped_; }

 private:
  void request(std::unique_ptr<http2::Stream>) override {}
  void output_ready() override {
    asio::post(loop_.io, [self = shared_from_this()] { self->turn(); });
  }

  void turn() {
    session_.wake();
    flush_.notify();
  }

  static Task<void> read(std::shared_ptr<Core> self) {
    BufferPool::Buffer buffer = self->loop_.buffers.take();
    while (!self->stopped_) {
      Result<std::size_t> got = co_await self->stream_->read_some({buffer.get(), BufferPool::kBytes});
      if (!got) {
        self->stop(http2::Error::kClosed);
        break;
      }
      self->stats_.upstream_cx_rx_bytes_total.add(*got);
      if (error_code failed = self->session_.feed({buffer.get(), *got})) {
        self->stats_.upstream_cx_protocol_error.add();
        self->stop(failed);
        break;
      }
      self->turn();
    }
    self->loop_.buffers.give(std::move(buffer));
  }

  static Task<void> write(std::shared_ptr<Core> self) {
    while (!self->stopped_) {
      co_await self->flush_.wait();
      while (!self->stopped_) {
        std::span<const char> bytes = self->session_.output();
        if (bytes.empty()) break;
        self->stats_.upstream_cx_tx_bytes_total.add(bytes.size());
        std::array<asio::const_buffer, 1> pieces{asio::buffer(bytes.data(), bytes.size())};
        if (co_await net::write_all(*self->stream_, pieces)) {
          self->stop(http2::Error::kClosed);
          break;
        }
        self->session_.consume_output(bytes.size());
        self->session_.wake();
      }
      if (self->session_.done()) self->stop(http2::Error::kClosed);
    }
  }

  void stop(error_code reason) {
    if (stopped_) return;
    stopped_ = true;
    session_.close(reason);
    stream_->close();
    asio::post(loop_.io, [self = shared_from_this()] { self->turn(); });
  }

  std::unique_ptr<net::Stream> stream_;
  Loop& loop_;
  ClusterStats& stats_;
  http2::Session session_;
  Event flush_;
  bool stopped_ = false;
  bool retired_ = false;
};

class Http2Client::ClientExchange final : public http::ClientStream {
 public:
  ClientExchange(std::shared_ptr<Core> core, std::unique_ptr<http2::Stream> stream, bool reused)
      : core_(std::move(core)), stream_(std::move(stream)), reused_(reused) {}
  ~ClientExchange() override {
    stream_.reset();
    core_->end_if_unused();
  }

  Task<error_code> send_head(const http::RequestHead& head, http::Chunk first) override { return stream_->send_head(head, first); }
  Task<error_code> send_body(http::Chunk chunk) override { return stream_->send_body(chunk); }
  Task<error_code> send_trailers(const http::Fields& trailers) override { return stream_->send_trailers(trailers); }
  Task<Result<http::ResponseHead*>> receive_head() override { return stream_->receive_head(); }
  http::BodySource& response_body() override { return *stream_; }
  void cancel(error_code reason) override { stream_->reset(reason); }
  bool answered() const override { return stream_->answered(); }
  bool reused() const override { return reused_; }

 private:
  std::shared_ptr<Core> core_;
  std::unique_ptr<http2::Stream> stream_;
  bool reused_;
};

Http2Client::Http2Client(std::unique_ptr<net::Stream> stream, Loop& loop, ClusterStats& stats, const http2::Limits& limits)
    : core_(std::make_shared<Core>(std::move(stream), loop, stats, limits)) {}

Http2Client::~Http2Client() { core_->retire(); }

void Http2Client::start() { core_->start(); }

std::unique_ptr<http::ClientStream> Http2Client::open() {
  const bool reused = core_->session().active() > 0;
  std::unique_ptr<http2::Stream> stream = core_->stopped() ? nullptr : core_->session().open();
  if (!stream) return nullptr;
  return std::make_unique<ClientExchange>(core_, std::move(stream), reused);
}

bool Http2Client::usable() const { return !core_->stopped() && core_->session().usable(); }
std::size_t Http2Client::active() const { return core_->session().active(); }
void Http2Client::close() { core_->close(); }

}  // namespace tidegate::proxy::upstream
