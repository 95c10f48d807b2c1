#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace tidegate::proxy::filters {

/// Tokens that come in evenly and are taken one by one, by any thread, without a lock. The whole
/// state is one number: the time at which the bucket was (or will be) empty.
class TokenBucket {
 public:
  using Nanoseconds = std::chrono::nanoseconds;

  /// Full at first. `per_token` is the time in which one comes in.
  TokenBucket(std::uint32_t tokens_max, Nanoseconds per_token)
      : per_token_(std::max<std::int64_t>(1, per_token.count())), depth_(per_token_ * tokens_max) {}

  /// False where there is none. `now` does not go back by more than scheduling does.
  bool take(Nanoseconds now) {
    std::int64_t empty = empty_at_.load(std::memory_order_relaxed);
    while (true) {
      const std::int64_t next = std::max(empty, now.count() - depth_) + per_token_;
      if (next > now.count()) return false;
      if (empty_at_.compare_exchange_weak(empty, next, std::memory_order_relaxed)) return true;
    }
  }

 private:
  std::int64_t per_token_;
  std::int64_t depth_;
  std::atomic<std::int64_t> empty_at_{INT64_MIN / 2};
};

}  // namespace tidegate::proxy::filters
