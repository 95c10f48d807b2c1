#include "proxy/net/pump.h"

#include <exception>

#include "base/surely.h"

namespace tidegate::proxy::net {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {
constexpr int kReadsTogether = 16;
constexpr milliseconds kHeldBack{10};  // before each read, where memory is short
}  // namespace

Pump::Pump(Stream& stream, asio::io_context& io, TimerWheel& wheel, BufferPool& buffers, User& user,
           const Counters& counters)
    : stream_(stream),
      io_(io),
      wheel_(wheel),
      buffers_(buffers),
      user_(user),
      counters_(counters),
      pause_timer_([this] { paused_.notify(); }) {}

Task<void> Pump::run() {
  BufferPool::Buffer buffer;
  for (int reads = 1; !stopped_; ++reads) {
    if (reads % kReadsTogether ==
        0) {  // a peer that sends without a pause lets others have their turn
      ask();
      co_await turned_.wait();
      if (stopped_) break;
    }
    if (holding_.load(std::memory_order_relaxed)) {
      wheel_.arm(pause_timer_, kHeldBack);
      co_await paused_.wait();
      if (stopped_) break;
    }
    reading_ = true;
    Result<std::size_t> got = co_await stream_.read_some(buffers_, buffer);
    reading_ = false;
    if (!got) break;
    counters_.received_bytes.add(*got);
    try {
      if (!user_.received({buffer.get(), *got})) stopped_ = true;
    } catch (const std::exception& failed) {
      give_up(failed.what());
    }
    buffers_.give(std::move(buffer));
    turn();
  }
  stopped_ = true;
  buffers_.give(std::move(buffer));
}

void Pump::stop() {
  stopped_ = true;
  if (reading_) stream_.cancel();
}

void Pump::ask() {
  if (asked_) return;
  surely([this] {
    call_later(io_, this, [](void* pump) {
      auto* self = static_cast<Pump*>(pump);
      self->asked_ = false;
      --self->pending_;
      self->turn();
    });
  });
  asked_ = true;
  ++pending_;
}

/// Nothing may follow it: who waits for turned_ may end the pump.
void Pump::turn() {
  try {
    user_.turn();
    write();
    user_.written();
  } catch (const std::exception& failed) {  // what is half done cannot go on
    give_up(failed.what());
  }
  if (turned_.awaited()) turned_.notify();
}

/// The connection ends as if it had broken; its user hears of it as of that.
void Pump::give_up(std::string_view why) {
  tell_failure("a connection was given up", why);
  broken_ = true;
  stop();
}

void Pump::write() {
  while (!blocked_ && !broken_) {
    std::span<const char> bytes = user_.output();
    if (bytes.empty()) return;
    const asio::const_buffer piece(bytes.data(), bytes.size());
    Result<std::size_t> sent = stream_.try_write({&piece, 1});
    if (!sent) {
      broken_ = true;
      stop();
    } else if (*sent == 0) {
      blocked_ = true;
      ++pending_;
      try {
        spawn(io_, wait_for_room());
      } catch (const std::exception&) {
        --pending_;
        throw;
      }
    } else {
      counters_.sent_bytes.add(*sent);
      user_.consume_output(*sent);
    }
  }
}

/// A wait that was cancelled for the reader's sake starts again, with the next write.
Task<void> Pump::wait_for_room() {
  error_code failed = co_await stream_.wait_writable();
  blocked_ = false;
  --pending_;
  if (failed && !stream_.is_open()) broken_ = true;
  turn();
}

Task<void> Pump::finish(milliseconds time) {
  if (time.count() > 0 && stream_.is_open()) {
    bool late = false;
    auto too_late = [this, &late] {
      late = true;
      stream_.close();
    };
    CallTimer<decltype(too_late)> deadline(too_late);
    wheel_.arm(deadline, time);
    write();
    while (!broken_ && !late && !user_.output().empty()) co_await turned_.wait();
    if (!broken_ && !late) {
      stream_.shutdown_send();
      BufferPool::Buffer buffer;
      while (!late) {
        Result<std::size_t> got = co_await stream_.read_some(buffers_, buffer);
        if (!got) break;
      }
      buffers_.give(std::move(buffer));
    }
  }
  broken_ = true;
  stream_.close();
}

}  // namespace tidegate::proxy::net
