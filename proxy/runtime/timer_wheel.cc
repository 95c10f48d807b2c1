#include "proxy/runtime/timer_wheel.h"

#include <bit>
#include <ctime>
#include <exception>

#include "base/surely.h"

namespace tidegate::proxy {

void Timer::cancel() {
  if (!next_) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  next_ = previous_ = nullptr;
}

TimerWheel::TimerWheel(Clock::time_point start) : start_(start) {
  for (Head& head : slots_) head.next_ = head.previous_ = &head;
}

void TimerWheel::drive(boost::asio::io_context& io) {
  driver_ = std::make_unique<boost::asio::steady_timer>(io);
}

TimerWheel::~TimerWheel() {
  for (Head& head : slots_) {
    while (head.next_ != &head) head.next_->cancel();
    head.next_ = head.previous_ = nullptr;
  }
}

TimerWheel::Clock::time_point TimerWheel::now() {
  if (!driver_) return start_ + turned_ * kTick;
  timespec
      coarse{};  // up to 4 ms old, and a quarter of the price: exchanges arm several timers each
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
  return Clock::time_point(std::chrono::seconds(coarse.tv_sec) +
                           std::chrono::nanoseconds(coarse.tv_nsec));
}

void TimerWheel::arm(Timer& timer, std::chrono::milliseconds after) {
  timer.cancel();
  if (stopped_) return;
  // More than asked: the present tick has partly gone, and now() may lag.
  const std::int64_t slack = driver_ ? 2 : 1;
  std::int64_t tick = tick_of(now() + after) + slack;
  if (tick <= turned_) tick = turned_ + 1;
  timer.tick_ = tick;
  std::size_t slot = static_cast<std::size_t>(tick) % kSlots;
  Head& head = slots_[slot];
  timer.previous_ = head.previous_;
  timer.next_ = &head;
  head.previous_->next_ = &timer;
  head.previous_ = &timer;
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  if (wake_ < 0 || tick < wake_) schedule();
}

std::chrono::milliseconds TimerWheel::left(const Timer& timer) {
  if (!timer.armed()) return std::chrono::milliseconds::max();
  return kTick * std::max<std::int64_t>(timer.tick_ - tick_of(now()), 0);
}

void TimerWheel::advance_to(Clock::time_point time) {
  std::int64_t until = tick_of(time);
  // Timers that expired() arms lie after `turned_`, so they are not met in the slot being emptied.
  std::int64_t first = turned_ + 1;
  if (until - first >= static_cast<std::int64_t>(kSlots))
    first = until - static_cast<std::int64_t>(kSlots) + 1;
  Head due;
  due.next_ = due.previous_ = &due;
  for (std::int64_t tick = first; tick <= until; ++tick) {
    std::size_t slot = static_cast<std::size_t>(tick) % kSlots;
    if (!(occupied_[slot / 64] >> (slot % 64) & 1)) continue;
    Head& head = slots_[slot];
    bool left = false;
    for (Timer* timer = head.next_; timer != &head;) {
      Timer* following = timer->next_;
      if (timer->tick_ <= until) {
        timer->cancel();
        timer->previous_ = due.previous_;
        timer->next_ = &due;
        due.previous_->next_ = timer;
        due.previous_ = timer;
      } else {
        left = true;
      }
      timer = following;
    }
    if (!left) occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  if (until > turned_) turned_ = until;
  while (due.next_ != &due) {
    Timer* timer = due.next_;
    timer->cancel();
    try {
      timer->expired();
    } catch (const std::exception& failed) {  // the others are due all the same
      tell_failure("a timer's work was given up", failed.what());
    }
  }
  due.next_ = due.previous_ = nullptr;
}

void TimerWheel::schedule() {
  if (!driver_ || stopped_) return;
  // The next slot that holds anything; its timers may belong to a later turn, which costs one idle
  // wake-up a turn.
  std::int64_t next = -1;
  for (std::int64_t ahead = 1; ahead <= static_cast<std::int64_t>(kSlots);) {
    std::size_t slot = static_cast<std::size_t>(turned_ + ahead) % kSlots;
    std::uint64_t bits = occupied_[slot / 64] >> (slot % 64);
    if (bits) {
      next = turned_ + ahead + std::countr_zero(bits);
      break;
    }
    ahead += static_cast<std::int64_t>(64 - slot % 64);
  }
  if (next < 0) {
    wake_ = -1;
    return;
  }
  wake_ = next;
  driver_->expires_at(start_ + next * kTick);
  surely([this] {
    driver_->async_wait([this](boost::system::error_code failed) {
      if (failed || stopped_) return;
      wake_ = -1;
      advance_to(Clock::now());
      if (wake_ < 0) schedule();
    });
  });
}

void TimerWheel::stop() {
  stopped_ = true;
  driver_.reset();
}

}  // namespace tidegate::proxy
