#include "proxy/rpc/stream.h"

#include <charconv>
#include <deque>
#include <functional>
#include <utility>

#include "proxy/rpc/call.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::rpc {

namespace asio = boost::asio;

namespace {

constexpr int kOk = 0;
constexpr int kUnknown = 2;
constexpr int kResourceExhausted = 8;
constexpr int kInternal = 13;
constexpr int kUnavailable = 14;

/// How long a service may take to end a call after us.
constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::size_t kPrefix = 5;  // of a message: compressed or not, and its length

int status_in(const http::Fields& fields, int otherwise) {
  const std::string_view text = fields.get("grpc-status");
  int status = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), status);
  return status;
}

}  // namespace

/// Outlives the stream until its coroutines have ended.
class GrpcStream::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(std::shared_ptr<upstream::ClusterState> cluster, Loop& loop, const std::string& cluster_name,
       std::string_view path, GrpcStreamOptions options, std::string_view first, Receiver& receiver)
      : loop_(loop),
        cluster_(std::move(cluster)),
        options_(std::move(options)),
        path_(path),
        authority_(options_.authority.empty() ? cluster_name : options_.authority),
        first_(grpc_frame(first)),
        receiver_(&receiver),
        linger_([this] { cancel(); }) {}

  void start() { spawn(loop_.io, run(shared_from_this())); }
  void close();
  void read_on() {
    if (room_.awaited()) room_.notify_later(loop_.io);
  }
  static Task<bool> send(std::shared_ptr<Core> self, std::string message);

 private:
  struct Turn {
    Event came;
  };

  static Task<void> run(std::shared_ptr<Core> self);
  static Task<void> half_close(std::shared_ptr<Core> self);
  Task<int> attempt(bool fresh);
  Task<int> receive();
  /// Hands over the whole messages of what has come. False: the rest waits for room, or `status`
  /// says why it is over.
  bool deliver(int& status);
  Task<void> pause(std::chrono::milliseconds longest);
  void end(int status);
  void cancel() {
    if (lease_) lease_.stream().cancel(make_error_code(upstream::Error::kTimeout));
  }
  void next_turn() {
    if (!turns_.empty()) turns_.front()->came.notify_later(loop_.io);
  }

  Loop& loop_;
  std::shared_ptr<upstream::ClusterState> cluster_;
  GrpcStreamOptions options_;
  std::string path_;
  std::string authority_;
  std::string first_;
  Receiver* receiver_;  // null: nobody listens any more
  upstream::Lease lease_;
  upstream::Host::Waiting waiting_;  // for a connection
  std::deque<Turn*> turns_;          // of those who send; each in its coroutine's frame
  std::string came_;                 // not yet handed over
  bool open_ = false;                // the first message has been sent
  bool spoken_ = false;              // others after it
  bool answered_ = false;            // a head has come
  bool over_ = false;
  Event room_;
  CallTimer<std::function<void()>> linger_;
};

Task<void> GrpcStream::Core::run(std::shared_ptr<Core> self) {
  std::chrono::milliseconds pause = self->options_.backoff;
  bool fresh = false;
  int status = kUnavailable;
  for (std::uint32_t tries_left = self->options_.retries; self->cluster_;) {
    status = co_await self->attempt(fresh);
    if (self->lease_ && (self->receiver_ || self->answered_))
      self->lease_.count(self->answered_ ? 200 : 0);
    if (status != kUnavailable || self->answered_ || self->spoken_ || !self->receiver_) break;
    if (self->open_ && !self->turns_.empty()) break;  // somebody is about to speak
    // Closed while it idled: once more, on a connection of its own.
    const bool stale = !fresh && self->lease_ && self->lease_.stream().reused();
    self->lease_.finish();
    self->open_ = false;
    if (stale) {
      fresh = true;
      continue;
    }
    if (tries_left-- == 0) break;
    co_await self->pause(pause);
    if (!self->receiver_) break;
    pause = std::min(pause * 2, self->options_.backoff * 10);
  }
  self->end(status);
}

Task<void> GrpcStream::Core::pause(std::chrono::milliseconds longest) {
  Event over;
  auto notify = [&over] { over.notify(); };
  CallTimer<decltype(notify)> timer(notify);
  loop_.wheel.arm(timer, std::chrono::milliseconds(
                             loop_.random.below(static_cast<std::uint64_t>(longest.count()) + 1)));
  co_await over.wait();
}

Task<int> GrpcStream::Core::attempt(bool fresh) {
  upstream::Choice choice;
  waiting_.failed = {};
  choice.waiting = &waiting_;
  Result<upstream::Lease> lease = co_await cluster_->acquire(fresh, true, choice);
  if (!lease || !receiver_) co_return kUnavailable;
  lease_ = std::move(*lease);
  http::RequestHead head = grpc_head(authority_, path_);
  head.fields.append("content-type", "application/grpc");
  const http::Chunk first{{first_.data(), first_.size()}, false};
  if (co_await lease_.stream().send_head(head, first)) co_return kUnavailable;
  if (!receiver_) co_return kUnavailable;
  open_ = true;
  receiver_->opened();
  next_turn();
  co_return co_await receive();
}

Task<int> GrpcStream::Core::receive() {
  const http::ResponseHead* head = nullptr;
  while (!head) {
    Result<http::ResponseHead*> next = co_await lease_.stream().receive_head();
    if (!next) co_return kUnavailable;
    if ((*next)->status >= 200) head = *next;
  }
  answered_ = true;
  if (head->status != 200) co_return head->status >= 500 ? kUnavailable : kUnknown;
  http::BodySource& body = lease_.stream().response_body();
  while (true) {
    Result<http::Chunk> chunk = co_await body.read();
    if (!chunk) co_return kUnavailable;
    if (receiver_) came_.append(chunk->bytes.data(), chunk->bytes.size());
    int status = kOk;
    while (!deliver(status)) {
      if (status != kOk) co_return status;
      co_await room_.wait();
    }
    if (!chunk->end) continue;
    const http::Fields* trailers = body.trailers();
    status = status_in(trailers && !trailers->empty() ? *trailers : head->fields, kUnknown);
    co_return status == kOk && !came_.empty() ? kInternal : status;
  }
}

bool GrpcStream::Core::deliver(int& status) {
  std::size_t done = 0;
  bool room = true;
  while (room && receiver_ && came_.size() - done >= kPrefix) {
    const std::string_view left = std::string_view(came_).substr(done);
    std::size_t size = 0;
    for (std::size_t i = 1; i < kPrefix; ++i)
      size = size << 8U | static_cast<unsigned char>(left[i]);
    if (left[0] != 0) status = kInternal;  // compressed, which we never asked for
    if (size > options_.message_max) status = kResourceExhausted;
    if (status != kOk) break;
    if (left.size() - kPrefix < size) break;
    room = receiver_->received(left.substr(kPrefix, size));
    done += kPrefix + size;
  }
  came_.erase(0, done);
  if (!receiver_) came_.clear();
  return room && status == kOk;
}

Task<bool> GrpcStream::Core::send(std::shared_ptr<Core> self, std::string message) {
  const std::string frame = grpc_frame(message);
  message = std::string();
  Turn turn;
  self->turns_.push_back(&turn);
  if (!self->open_ || self->turns_.front() != &turn) co_await turn.came.wait();
  bool sent = false;
  if (!self->over_ && self->receiver_) {
    self->spoken_ = true;
    const http::Chunk chunk{{frame.data(), frame.size()}, false};
    sent = !(co_await self->lease_.stream().send_body(chunk));
  }
  self->turns_.pop_front();
  self->next_turn();
  if (self->over_ && self->turns_.empty()) self->lease_.finish();
  co_return sent && self->receiver_ != nullptr;
}

/// Those who wait to send hear of it one after the other.
void GrpcStream::Core::end(int status) {
  over_ = open_ = true;
  linger_.cancel();
  if (receiver_) std::exchange(receiver_, nullptr)->ended(status);
  if (turns_.empty()) {
    lease_.finish();
  } else {
    cancel();
    next_turn();
  }
}

void GrpcStream::Core::close() {
  receiver_ = nullptr;
  if (over_) return;
  read_on();
  if (!open_ || !turns_.empty()) {
    open_ = true;
    cancel();
    next_turn();
    if (!lease_) waiting_.cancel(make_error_code(upstream::Error::kTimeout));
    return;
  }
  loop_.wheel.arm(linger_, kLinger);
  spawn(loop_.io, half_close(shared_from_this()));
}

Task<void> GrpcStream::Core::half_close(std::shared_ptr<Core> self) {
  Turn turn;
  self->turns_.push_back(&turn);
  const http::Chunk nothing{{}, true};
  if (!self->over_) co_await self->lease_.stream().send_body(nothing);
  self->turns_.pop_front();
  if (self->over_ && self->turns_.empty()) self->lease_.finish();
}

GrpcStream::GrpcStream(Loop& loop, upstream::Clusters& clusters, const std::string& cluster,
                       std::string_view path, GrpcStreamOptions options, std::string_view first,
                       Receiver& receiver)
    : core_(std::make_shared<Core>(clusters.find(cluster), loop, cluster, path, std::move(options),
                                   first, receiver)) {
  core_->start();
}

GrpcStream::~GrpcStream() { core_->close(); }

Task<bool> GrpcStream::send(std::string message) { return Core::send(core_, std::move(message)); }

void GrpcStream::read_on() { core_->read_on(); }

}  // namespace tidegate::proxy::rpc
