#include "proxy/upstream/http2_client.h"

#include <utility>

#include "base/surely.h"
#include "proxy/http2/session.h"
#include "proxy/net/pump.h"
#include "proxy/upstream/error.h"

namespace tidegate::proxy::upstream {

namespace asio = boost::asio;

namespace {

/// What a caller makes of a failure does not depend on the version, but for the certainty that a
/// second try is safe.
error_code as_upstream(error_code failed) {
  if (failed.category() != http2::category() || http2::retry_safe(failed)) return failed;
  switch (static_cast<http2::Error>(failed.value())) {
    case http2::Error::kProtocol:
    case http2::Error::kMalformed:
    case http2::Error::kHeadTooLarge:
    case http2::Error::kFlood:
    case http2::Error::kUpgradeUnsupported:
      return Error::kBadResponse;
    default:
      return Error::kReset;
  }
}

}  // namespace

class Http2Client::Core final : private http2::Session::Handler,
                                private net::Pump::User,
                                public std::enable_shared_from_this<Core> {
 public:
  Core(std::unique_ptr<net::Stream> stream, Loop& loop, ClusterStats& stats,
       std::chrono::milliseconds idle_timeout, const http2::Limits& limits,
       const std::optional<Http2Keepalive>& keepalive, std::chrono::milliseconds duration_max)
      : stream_(std::move(stream)),
        loop_(loop),
        stats_(stats),
        idle_timeout_(idle_timeout),
        pump_(*stream_, loop.io, loop.wheel, loop.buffers, *this,
              {stats.upstream_cx_rx_bytes_total, stats.upstream_cx_tx_bytes_total}),
        session_(http2::Role::kClient, *this, limits),
        idle_timer_([this] {
          stats_.upstream_cx_idle_timeout.add();
          pump_.stop();
        }),
        duration_timer_([this] {
          stats_.upstream_cx_max_duration_reached.add();
          retire();
        }) {
    if (duration_max.count() > 0) loop_.wheel.arm(duration_timer_, duration_max);
    if (keepalive) keepalive_ = std::make_unique<Keepalive>(*this, *keepalive);
    stats_.upstream_cx_active.add();
  }
  ~Core() { count_end(); }

  /// Once: when the connection has ended, whoever holds the client for how long.
  void count_end() {
    if (std::exchange(counted_, true)) return;
    stream_->close();
    stats_.upstream_cx_active.sub();
    stats_.upstream_cx_destroy.add();
    (left_ ? stats_.upstream_cx_destroy_remote : stats_.upstream_cx_destroy_local).add();
    if (busy_) {
      stats_.upstream_cx_destroy_with_active_rq.add();
      (left_ ? stats_.upstream_cx_destroy_remote_with_active_rq
             : stats_.upstream_cx_destroy_local_with_active_rq)
          .add();
    }
    stats_.upstream_rq_per_cx.record(static_cast<double>(opened_));
    stats_.upstream_cx_length_ms.record(
        std::chrono::duration<double, std::milli>(loop_.wheel.now() - made_at_).count());
  }

  void keep(Slot slot) { slot_ = std::move(slot); }
  void start() { spawn(loop_.io, run(shared_from_this())); }
  void close() {
    stream_->close();
    pump_.stop();
  }
  std::unique_ptr<http2::Stream> open() {
    if (!usable()) return nullptr;
    idle_timer_.cancel();
    if (keepalive_) keepalive_->before_request();
    ++opened_;
    return session_.open();
  }
  bool usable() const { return !over_ && !retired_ && session_.usable(); }
  const http2::Session& session() const { return session_; }

  /// Its client has gone, or its time is over: ends when its last stream has.
  void retire() {
    retired_ = true;
    stream_ended();
  }
  void stream_ended() {
    if (session_.active() > 0 || over_) return;
    if (retired_) {
      pump_.stop();
    } else if (idle_timeout_.count() > 0) {
      loop_.wheel.arm(idle_timer_, idle_timeout_);
    }
  }

 private:
  /// PINGs, and the end of a connection that does not answer them.
  class Keepalive {
   public:
    Keepalive(Core& core, const Http2Keepalive& wanted)
        : core_(core),
          wanted_(wanted),
          heard_(core.loop_.wheel.now()),
          next_([this] { ping(); }),
          late_([this] { core_.lost(); }) {
      answered();
    }
    void before_request() {
      if (wanted_.idle.count() > 0 && core_.loop_.wheel.now() - heard_ > wanted_.idle) ping();
    }
    void received() {
      heard_ = core_.loop_.wheel.now();
      if (!late_.armed()) return;
      if (core_.session_.pings_waiting() == 0) {
        late_.cancel();
        answered();
      } else {
        core_.loop_.wheel.arm(late_, wanted_.timeout);
      }
    }

   private:
    void answered() {
      const std::int64_t interval = wanted_.interval.count();
      if (interval == 0) return;
      const std::uint64_t spread = static_cast<std::uint64_t>(interval) * 15 / 100;
      const std::uint64_t more = spread == 0 ? 0 : core_.loop_.random.next() % spread;
      core_.loop_.wheel.arm(next_,
                            std::chrono::milliseconds(interval + static_cast<std::int64_t>(more)));
    }
    void ping() {
      if (late_.armed()) return;  // one is under way
      core_.session_.ping();
      core_.loop_.wheel.arm(late_, wanted_.timeout);
    }

    Core& core_;
    Http2Keepalive wanted_;
    TimerWheel::Clock::time_point heard_;
    CallTimer<std::function<void()>> next_;
    CallTimer<std::function<void()>> late_;
  };

  /// The peer does not answer: nobody gets a stream any more, and those that have one lose it.
  void lost() {
    stats_.http2.keepalive_timeout.add();
    over_ = true;
    close();
  }
  static Task<void> run(std::shared_ptr<Core> self) {
    self->pump_.ask();  // preface and settings
    self->stream_ended();
    try {
      co_await self->pump_.run();
    } catch (const std::exception& failed) {  // what is posted still speaks of us
      tell_failure("a connection to a backend was given up", failed.what());
    }
    self->left_ = self->stream_->is_open() && self->stream_->peer_closed();
    self->busy_ = self->session_.active() > 0;
    self->over_ = true;
    self->idle_timer_.cancel();
    self->duration_timer_.cancel();
    self->keepalive_.reset();
    const error_code reason = self->session_.failed();
    self->session_.close(reason ? reason : error_code(http2::Error::kClosed));
    try {
      co_await self->pump_.finish(std::chrono::milliseconds(0));
    } catch (const std::exception&) {
      self->stream_->close();
    }
    self->slot_ = Slot();  // whoever holds the client may not look at it for long
    self->pump_.ask();
    while (self->pump_.busy()) co_await self->pump_.next_turn();
    self->ended_ = true;
    self->count_end();
  }

  void request(std::unique_ptr<http2::Stream>) override {}
  /// After the end nobody waits: every stream has failed and has been told.
  void output_ready() override {
    if (!ended_) pump_.ask();
  }
  bool received(std::span<const char> bytes) override {
    if (!session_.feed(bytes)) {
      if (keepalive_) keepalive_->received();
      return true;
    }
    stats_.upstream_cx_protocol_error.add();
    return false;
  }
  void turn() override { session_.wake(); }
  std::span<const char> output() override { return session_.output(); }
  void consume_output(std::size_t bytes) override { session_.consume_output(bytes); }
  void written() override {
    if (session_.done()) pump_.stop();
  }

  std::unique_ptr<net::Stream> stream_;
  Loop& loop_;
  ClusterStats& stats_;
  Slot slot_;
  TimerWheel::Clock::time_point made_at_ = loop_.wheel.now();
  std::uint64_t opened_ = 0;  // streams
  bool left_ = false;         // the peer has ended the connection
  bool busy_ = false;         // with streams that had not ended
  std::chrono::milliseconds idle_timeout_;
  net::Pump pump_;
  http2::Session session_;
  CallTimer<std::function<void()>> idle_timer_;
  CallTimer<std::function<void()>> duration_timer_;
  std::unique_ptr<Keepalive> keepalive_;  // null: not wanted, or over
  bool over_ = false;
  bool ended_ = false;
  bool retired_ = false;
  bool counted_ = false;  // that it has ended
};

class Http2Client::ClientExchange final : public http::ClientStream, private http::BodySource {
 public:
  ClientExchange(std::shared_ptr<Core> core, std::unique_ptr<http2::Stream> stream, bool reused)
      : core_(std::move(core)), stream_(std::move(stream)), reused_(reused) {}
  ~ClientExchange() override {
    stream_.reset();
    core_->stream_ended();
  }

  Task<error_code> send_head(const http::RequestHead& head, http::Chunk first) override {
    co_return as_upstream(co_await stream_->send_head(head, first));
  }
  Task<error_code> send_body(http::Chunk chunk) override {
    co_return as_upstream(co_await stream_->send_body(chunk));
  }
  Task<error_code> send_trailers(const http::Fields& trailers) override {
    co_return as_upstream(co_await stream_->send_trailers(trailers));
  }
  Task<Result<http::ResponseHead*>> receive_head() override {
    Result<http::ResponseHead*> head = co_await stream_->receive_head();
    if (!head) co_return as_upstream(head.error());
    co_return head;
  }
  http::BodySource& response_body() override { return *this; }
  void cancel(error_code reason) override { stream_->reset(reason); }
  bool answered() const override { return stream_->answered(); }
  bool reused() const override { return reused_; }

 private:
  Result<http::Chunk> poll() override {
    Result<http::Chunk> chunk = stream_->poll();
    if (!chunk) return as_upstream(chunk.error());
    return chunk;
  }
  Task<Result<http::Chunk>> read() override {
    Result<http::Chunk> chunk = co_await stream_->read();
    if (!chunk) co_return as_upstream(chunk.error());
    co_return chunk;
  }
  const http::Fields* trailers() const override { return stream_->trailers(); }
  void abandon() override { stream_->abandon(); }

  std::shared_ptr<Core> core_;
  std::unique_ptr<http2::Stream> stream_;
  bool reused_;
};

Http2Client::Http2Client(std::unique_ptr<net::Stream> stream, Loop& loop, ClusterStats& stats,
                         std::chrono::milliseconds idle_timeout, const http2::Limits& limits,
                         const std::optional<Http2Keepalive>& keepalive,
                         std::chrono::milliseconds duration_max)
    : core_(std::make_shared<Core>(std::move(stream), loop, stats, idle_timeout, limits, keepalive,
                                   duration_max)) {}

Http2Client::~Http2Client() { core_->retire(); }

void Http2Client::keep(Slot slot) { core_->keep(std::move(slot)); }

void Http2Client::start() { core_->start(); }

std::unique_ptr<http::ClientStream> Http2Client::open() {
  const bool reused = core_->session().opened() > 0;
  std::unique_ptr<http2::Stream> stream = core_->open();
  if (!stream) return nullptr;
  return std::make_unique<ClientExchange>(core_, std::move(stream), reused);
}

bool Http2Client::usable() const { return core_->usable(); }
std::size_t Http2Client::active() const { return core_->session().active(); }
void Http2Client::close() { core_->close(); }

}  // namespace tidegate::proxy::upstream
