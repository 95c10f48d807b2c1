#include "proxy/runtime/timer_wheel.h"

#include <algorithm>
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

TimerWheel::~TimerWheel() {
  for (Head& head : slots_) {
    while (head.next_ != &head) head.next_->cancel();
    head.next_ = head.previous_ = nullptr;
  }
}

TimerWheel::Clock::time_point TimerWheel::now() {
  if (!driven_) return start_ + turned_ * kTick;
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
  const std::int64_t slack = driven_ ? 2 : 1;
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
  if (next_ < 0 || tick < next_) next_ = tick;
}

std::chrono::milliseconds TimerWheel::left(const Timer& timer) {
  if (!timer.armed()) return std::chrono::milliseconds::max();
  return kTick * std::max<std::int64_t>(timer.tick_ - tick_of(now()), 0);
}

void TimerWheel::advance_to(Clock::time_point time) {
  std::int64_t until = tick_of(time);
  if (stopped_ || next_ < 0 || until < next_) {  // nothing is due
    if (until > turned_) turned_ = until;
    return;
  }
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
  find_next();
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

/// The next slot that holds anything; its timers may belong to a later round of the wheel, which
/// costs one idle turn of the loop each round.
void TimerWheel::find_next() {
  next_ = -1;
  for (std::int64_t ahead = 1; ahead <= static_cast<std::int64_t>(kSlots);) {
    std::size_t slot = static_cast<std::size_t>(turned_ + ahead) % kSlots;
    std::uint64_t bits = occupied_[slot / 64] >> (slot % 64);
    if (bits) {
      next_ = turned_ + ahead + std::countr_zero(bits);
      return;
    }
    ahead += static_cast<std::int64_t>(64 - slot % 64);
  }
}

std::chrono::milliseconds TimerWheel::until_next(Clock::time_point now) const {
  if (next_ < 0) return std::chrono::milliseconds::max();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(start_ + next_ * kTick - now);
  return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace tidegate::proxy
