#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/buffers.h"
#include "proxy/runtime/counters.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::net {

/// Moves the bytes of a protocol that carries many exchanges at once: what comes is handed over,
/// what is to go is gathered and written once a turn of the loop. Holds no buffer while nothing
/// comes. Lifetime: until its owner's coroutine, which ran run(), has seen !busy().
class Pump {
 public:
  /// Lives longer than the pump. None of these may destroy it.
  class User {
   public:
    /// Takes all of `bytes`. False: it wants no more.
    virtual bool received(std::span<const char> bytes) = 0;
    /// A turn begins; output() is written next.
    virtual void turn() = 0;
    virtual std::span<const char> output() = 0;
    virtual void consume_output(std::size_t bytes) = 0;
    /// What the kernel takes has been written.
    virtual void written() = 0;

   protected:
    ~User() = default;
  };
  struct Counters {
    Counter& received_bytes;
    Counter& sent_bytes;
  };

  Pump(Stream& stream, boost::asio::io_context& io, TimerWheel& wheel, BufferPool& buffers,
       User& user, const Counters& counters);

  /// Of all pumps, from any thread: whether they read no more than a little, since memory is short.
  /// What has been agreed to, windows of many streams, would come in faster than it can be refused.
  static void hold_back(bool yes) { holding_.store(yes, std::memory_order_relaxed); }

  /// Reads until the peer ends, something fails, the user wants no more, or stop().
  Task<void> run();
  /// A turn, later.
  void ask();
  /// Ends run().
  void stop();
  /// After run(): writes what is left and FIN, reads away what still comes so that the peer can
  /// read the last bytes (RFC 9112 section 9.6), closes; within `time`. 0: closes.
  Task<void> finish(std::chrono::milliseconds time);
  /// Whether something is still to happen that refers to this object.
  bool busy() const { return pending_ > 0; }
  /// Until the next turn has ended.
  Event::Wait next_turn() { return turned_.wait(); }

 private:
  inline static std::atomic<bool> holding_{false};

  void turn();
  void write();
  void give_up(std::string_view why);
  Task<void> wait_for_room();

  Stream& stream_;
  boost::asio::io_context& io_;
  TimerWheel& wheel_;
  BufferPool& buffers_;
  User& user_;
  Counters counters_;
  CallTimer<std::function<void()>> pause_timer_;
  Event turned_, paused_;
  std::size_t pending_ = 0;  // posted turns, and waits for the kernel to take more
  bool asked_ = false;
  bool reading_ = false;
  bool blocked_ = false;  // the kernel takes no more
  bool stopped_ = false;
  bool broken_ = false;  // nothing can be written any more
};

}  // namespace tidegate::proxy::net
