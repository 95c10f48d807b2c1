#pragma once

#include <array>
#include <chrono>
#include <cstdint>

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
/// timer expires up to two ticks late, never early. The loop turns it, and sleeps until the next
/// timer that can expire, so many timers far ahead wake nobody. Clock: tests turn the wheel
/// themselves by advance_to().
class TimerWheel {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kTick{10};

  /// Its time is that of the last advance_to(), until drive().
  explicit TimerWheel(Clock::time_point start = Clock::now());
  ~TimerWheel();

  /// From now on its time is the clock's.
  void drive() { driven_ = true; }
  /// (Re-)arms; a timer that is armed already is moved.
  void arm(Timer& timer, std::chrono::milliseconds after);
  /// Until the timer expires, at least 0; milliseconds::max() where it is not armed.
  std::chrono::milliseconds left(const Timer& timer);
  /// The time, up to 4 ms late: cheap.
  Clock::time_point now();

  /// Expires everything due at `time`.
  void advance_to(Clock::time_point time);
  /// How long after `now` the next timer can expire, at least 0; max(): there is none.
  std::chrono::milliseconds until_next(Clock::time_point now) const;
  /// No callbacks any more.
  void stop() { stopped_ = true; }

 private:
  static constexpr std::size_t kSlots = 1024;  // a tick each: what expires within a round of them
  static constexpr std::size_t kRounds = 64;   // a round each: what expires later
  struct Head final : Timer {
    void expired() override {}
  };

  static void append(Timer& timer, Head& to);
  void place(Timer& timer);
  void bring_nearer(std::int64_t until, Head& due);
  std::int64_t next_slot() const;
  std::int64_t next_round() const;
  std::int64_t tick_of(Clock::time_point time) const { return (time - start_) / kTick; }

  Clock::time_point start_;
  std::int64_t turned_ = 0;  // all slots up to this tick are done
  std::array<Head, kSlots> slots_;
  std::array<std::uint64_t, kSlots / 64> occupied_{};
  std::array<Head, kRounds> rounds_;
  std::uint64_t occupied_rounds_ = 0;
  std::int64_t next_ = -1;  // no timer expires before this tick; -1: none is armed
  bool stopped_ = false;
  bool driven_ = false;
};

}  // namespace tidegate::proxy
