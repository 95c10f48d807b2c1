#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>

#include "proxy/runtime/arena.h"

namespace tidegate::proxy::cel {

/// What one evaluation may use. An expression that reaches a limit has no value.
struct Limits {
  std::uint64_t cost_max = 100'000;     // steps: one a node, one a 16 bytes of text looked at
  std::size_t bytes_max = 1024 * 1024;  // of texts, lists and maps that it makes
};

/// Memory and time of one evaluation. Memory is the arena's: given back with the exchange.
class Heap {
 public:
  Heap(Arena& arena, const Limits& limits)
      : arena_(arena), cost_(limits.cost_max), bytes_(limits.bytes_max) {}

  /// False, now and from now on: a limit is reached.
  bool charge(std::uint64_t cost) {
    if (cost > cost_) exhausted_ = true;
    if (exhausted_) return false;
    cost_ -= cost;
    return true;
  }
  /// For looking at a text of so many bytes.
  bool charge_text(std::size_t bytes) { return charge(1 + bytes / 16); }
  bool exhausted() const { return exhausted_; }

  /// Room for `count` objects, not constructed; nullptr: a limit is reached.
  template <class T>
  T* allocate(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (exhausted_ || count > bytes_ / sizeof(T)) {
      exhausted_ = true;
      return nullptr;
    }
    bytes_ -= count * sizeof(T);
    if constexpr (alignof(T) == 1) {
      return reinterpret_cast<T*>(arena_.allocate(count + 1));  // an empty text has an address too
    } else {
      char* raw = arena_.allocate(count * sizeof(T) + alignof(T) - 1);
      auto address = reinterpret_cast<std::uintptr_t>(raw);
      return reinterpret_cast<T*>(raw + (-address & (alignof(T) - 1)));
    }
  }
  template <class T, class... Args>
  T* make(Args&&... args) {
    T* at = allocate<T>(1);
    return at == nullptr ? nullptr : new (at) T(std::forward<Args>(args)...);
  }

 private:
  Arena& arena_;
  std::uint64_t cost_;
  std::size_t bytes_;
  bool exhausted_ = false;
};

}  // namespace tidegate::proxy::cel
