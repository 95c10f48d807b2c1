#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace tidegate::proxy {

/// Written by one thread, read by any: no lock, no contended cache line, no read-modify-write
/// instruction.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void sub(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down.
class Gauge : public Counter {};

/// Upper bounds of the buckets of every histogram (metrics.md); one more bucket takes the rest.
inline constexpr std::array<double, 19> kHistogramBounds = {
    0.5,  1,    5,     10,    25,    50,     100,    250,     500,    1000,
    2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000};

class Histogram {
 public:
  void record(double value) {
    std::size_t bucket = 0;
    while (bucket < kHistogramBounds.size() && value > kHistogramBounds[bucket]) ++bucket;
    buckets_[bucket].add();
    sum_.store(sum_.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }
  std::uint64_t bucket(std::size_t index) const { return buckets_[index].get(); }
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::array<Counter, kHistogramBounds.size() + 1> buckets_;
  std::atomic<double> sum_{0};
};

}  // namespace tidegate::proxy
