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
  for (Head& head : rounds_) head.next_ = head.previous_ = &head;
}

TimerWheel::~TimerWheel() {
  auto clear = [](Head& head) {
    while (head.next_ != &head) head.next_->cancel();
    head.next_ = head.previous_ = nullptr;
  };
  for (Head& head : slots_) clear(head);
  for (Head& head : rounds_) clear(head);
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
  place(timer);
}

void TimerWheel::append(Timer& timer, Head& to) {
  timer.previous_ = to.previous_;
  timer.next_ = &to;
  to.previous_->next_ = &timer;
  to.previous_ = &timer;
}

/// Where its tick says; tick_ > turned_.
void TimerWheel::place(Timer& timer) {
  constexpr auto kAhead = static_cast<std::int64_t>(kSlots);
  std::int64_t from = timer.tick_;
  if (timer.tick_ - turned_ < kAhead) {
    const std::size_t slot = static_cast<std::size_t>(timer.tick_) % kSlots;
    append(timer, slots_[slot]);
    occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  } else {
    const std::int64_t number = timer.tick_ / kAhead;  // later than the present one
    const std::size_t round = static_cast<std::size_t>(number) % kRounds;
    append(timer, rounds_[round]);
    occupied_rounds_ |= std::uint64_t{1} << round;
    from = number * kAhead;
  }
  if (next_ < 0 || from < next_) next_ = from;
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
    const std::size_t slot = static_cast<std::size_t>(tick) % kSlots;
    if (!(occupied_[slot / 64] >> (slot % 64) & 1)) continue;
    for (Head& head = slots_[slot]; head.next_ != &head;) {
      Timer* timer = head.next_;
      timer->cancel();
      append(*timer, due);
    }
    occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  }
  bring_nearer(until, due);
  const std::int64_t slot = next_slot();
  const std::int64_t round = next_round();
  next_ = slot < 0 || (round >= 0 && round < slot) ? round : slot;
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

/// What the rounds hold that have begun up to `until`, which is the present from now on: due, or a
/// slot's, or of a round that comes as many rounds later.
void TimerWheel::bring_nearer(std::int64_t until, Head& due) {
  constexpr auto kAhead = static_cast<std::int64_t>(kSlots);
  std::int64_t round =
      std::max(turned_, until - kAhead * static_cast<std::int64_t>(kRounds)) / kAhead;
  turned_ = std::max(turned_, until);
  while (++round <= until / kAhead) {
    const std::size_t at = static_cast<std::size_t>(round) % kRounds;
    if (!(occupied_rounds_ >> at & 1)) continue;
    occupied_rounds_ &= ~(std::uint64_t{1} << at);
    Head begun;
    begun.next_ = begun.previous_ = &begun;
    for (Head& head = rounds_[at]; head.next_ != &head;) {
      Timer* timer = head.next_;
      timer->cancel();
      append(*timer, begun);
    }
    while (begun.next_ != &begun) {
      Timer* timer = begun.next_;
      timer->cancel();
      if (timer->tick_ <= until) {
        append(*timer, due);
      } else {
        place(*timer);
      }
    }
    begun.next_ = begun.previous_ = nullptr;
  }
}

/// The next tick whose slot holds anything; -1: none. Timers that were cancelled leave it marked,
/// which costs an idle turn of the loop.
std::int64_t TimerWheel::next_slot() const {
  for (std::int64_t ahead = 1; ahead <= static_cast<std::int64_t>(kSlots);) {
    const std::size_t slot = static_cast<std::size_t>(turned_ + ahead) % kSlots;
    const std::uint64_t bits = occupied_[slot / 64] >> (slot % 64);
    if (bits) return turned_ + ahead + std::countr_zero(bits);
    ahead += static_cast<std::int64_t>(64 - slot % 64);
  }
  return -1;
}

/// The first tick of the next round that holds anything; -1: none.
std::int64_t TimerWheel::next_round() const {
  if (occupied_rounds_ == 0) return -1;
  constexpr auto kAhead = static_cast<std::int64_t>(kSlots);
  const std::int64_t next = turned_ / kAhead + 1;
  const int ahead = std::countr_zero(
      std::rotr(occupied_rounds_, static_cast<int>(static_cast<std::size_t>(next) % kRounds)));
  return (next + ahead) * kAhead;
}

std::chrono::milliseconds TimerWheel::until_next(Clock::time_point now) const {
  if (next_ < 0) return std::chrono::milliseconds::max();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(start_ + next_ * kTick - now);
  return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace tidegate::proxy
