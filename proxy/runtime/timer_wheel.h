#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

namespace tidegate::proxy {

class TimerWheel;

/// One deadline. Derived classes say what happens. Lives where it is needed (in a connection, an
/// exchange); leaving the wheel is free and happens by itself when it is destroyed.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { cancel(); }

  void cancel();
  bool armed() const { return next_ != nullptr; }

 protected:
  /// On the worker's loop; the timer is not armed any more and may be armed again.
  virtual void expired() = 0;

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer* previous_ = nullptr;
  std::int64_t tick_ = 0;
};

/// A Timer that calls a function object.
template <class Function>
class CallTimer final : public Timer {
 public:
  explicit CallTimer(Function function) : function_(std::move(function)) {}

 private:
  void expired() override { function_(); }
  Function function_;
};

/// All timeouts of a worker: arming and leaving are constant time and no system call. Coarse: a
/// timer expires up to two ticks late, never early. One asio timer drives it, armed for the next
/// timer that can expire, so an idle worker sleeps. Clock: tests turn the wheel themselves by
/// advance_to().
class TimerWheel {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kTick{10};

  /// Nothing drives the wheel but advance_to(), until drive().
  explicit TimerWheel(Clock::time_point start = Clock::now());
  ~TimerWheel();

  /// From now on the loop turns the wheel; until stop().
  void drive(boost::asio::io_context& io);
  /// (Re-)arms; a timer that is armed already is moved.
  void arm(Timer& timer, std::chrono::milliseconds after);
  /// Until the timer expires, at least 0; milliseconds::max() where it is not armed.
  std::chrono::milliseconds left(const Timer& timer);
  /// The time, up to 4 ms late: cheap.
  Clock::time_point now();

  /// Expires everything due at `time`.
  void advance_to(Clock::time_point time);
  /// No callbacks any more; the asio timer goes, so that the loop can end and be destroyed.
  void stop();

 private:
  static constexpr std::size_t kSlots = 1024;
  struct Head final : Timer {
    void expired() override {}
  };

  void schedule();
  std::int64_t tick_of(Clock::time_point time) const { return (time - start_) / kTick; }

  Clock::time_point start_;
  std::int64_t turned_ = 0;  // all slots up to this tick are done
  std::size_t armed_ = 0;
  std::array<Head, kSlots> slots_;
  std::array<std::uint64_t, kSlots / 64> occupied_{};
  std::int64_t wake_ = -1;  // tick the asio timer is set for; -1: not set
  bool stopped_ = false;
  std::unique_ptr<boost::asio::steady_timer> driver_;
};

}  // namespace tidegate::proxy
