#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdint>

#include "base/surely.h"
#include "base/turns.h"
#include "proxy/runtime/buffers.h"
#include "proxy/runtime/poller.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy {

/// Fast random numbers for load balancing, sampling and request ids; not for secrets.
/// (xoshiro256**)
class Random {
 public:
  explicit Random(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {  // splitmix64
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }
  std::uint64_t next() {
    auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }
  /// In [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_[4];
};

/// A worker's own things, and its loop: coroutines, sockets, timers and what others have posted,
/// with one call of the kernel a turn (ADR 0013). Nothing here is touched by another thread, but
/// for post() and stop().
struct Loop {
  Loop(std::size_t index_in, std::uint64_t seed);
  ~Loop();

  /// Until stop(), whatever is thrown (memory, above all): what it was for is lost, and nothing
  /// else.
  void run();
  /// One turn: what is due, then what has become ready, for which it waits as long as `at_most`
  /// where nothing else is to be done. Returns how many things it did.
  std::size_t turn(std::chrono::milliseconds at_most);
  /// Ends run(). Any thread.
  void stop();
  /// `function` runs on the loop, before what becomes ready after this call. Any thread.
  template <class Function>
  void post(Function function) {
    leave(std::move(function));
    wake();
  }
  /// The two halves of post(), for who has something for several loops: what is left runs at some
  /// time, before what becomes ready after leave(), and soon once its loop is woken.
  template <class Function>
  void leave(Function function) {
    surely([&] { boost::asio::post(io, function); });
    left_.store(true, std::memory_order_release);
  }
  void wake() { poller_.wake(); }

  std::size_t index;  // which worker; index into PerWorker
  Random random;
  bool healthy = true;     // false: whoever asks for this process's health is told to go elsewhere
  std::size_t silent = 0;  // connections that have just been served, and do not rest yet (ADR 0012)
  BufferPool buffers;
  TimerWheel wheel;
  // Last, so that it goes first: coroutines that are still suspended end with it, and their timers
  // leave the wheel.
  boost::asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};

 private:
  Poller& poller_;                 // is io's
  std::atomic<bool> left_{false};  // something may be in io that no turn has looked for
  Turns turns_{io};
};

}  // namespace tidegate::proxy
