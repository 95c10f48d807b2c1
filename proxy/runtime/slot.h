#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace tidegate::proxy {

/// One of what circuit breakers count; given back when it goes.
class Slot {
 public:
  Slot() = default;
  explicit Slot(std::atomic<std::uint32_t>* counted) : counted_(counted) {
    if (counted_ != nullptr) counted_->fetch_add(1, std::memory_order_relaxed);
  }
  Slot(Slot&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
  Slot& operator=(Slot&& other) noexcept {
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~Slot() {
    if (counted_ != nullptr) counted_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint32_t>* counted_ = nullptr;
};

}  // namespace tidegate::proxy
