#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "proxy/runtime/loop.h"

namespace tidegate::proxy::aws {

/// How long to wait before a question is asked again that failed: twice as long each time, at most
/// `most`, and up to a quarter less by chance, so that many processes do not ask at once.
class Backoff {
 public:
  using Time = std::chrono::milliseconds;  // positive
  Backoff(Time first, Time most) : first_(std::min(first, most)), most_(most), next_(first_) {}

  Time next(Random& random) {
    const Time whole = std::exchange(next_, next_ > most_ / 2 ? most_ : next_ * 2);
    return whole - Time(random.below(static_cast<std::uint64_t>(whole.count()) / 4 + 1));
  }
  void reset() { next_ = first_; }

 private:
  Time first_, most_, next_;
};

}  // namespace tidegate::proxy::aws
