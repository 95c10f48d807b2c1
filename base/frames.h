#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace tidegate {

/// Memory for coroutines' frames: of a thread, by size, handed out again as it came. Asio's own
/// cache takes no frame above 1020 bytes, and gives one of its few blocks away for each that it
/// cannot serve; half of an exchange's frames were allocated anew for each request (ADR 0007).
class Frames {
 public:
  static void* take(std::size_t bytes) {
    const std::size_t size_class = class_of(bytes);
    if (size_class >= kClasses) return ::operator new(bytes);
    List& list = lists_[size_class];
    if (Free* free = list.first) {
      list.first = free->next;
      --list.count;
      return free;
    }
    return ::operator new(size_class * kStep);
  }
  /// `bytes` as they were asked for. On another thread than it was taken on, it is that one's from
  /// then on.
  static void give(void* at, std::size_t bytes) {
    const std::size_t size_class = class_of(bytes);
    if (size_class >= kClasses || lists_[size_class].count * size_class * kStep >= kKeptBytes) {
      ::operator delete(at);
      return;
    }
    List& list = lists_[size_class];
    list.first = new (at) Free{list.first};
    ++list.count;
  }

 private:
  struct Free {
    Free* next;
  };
  struct List {
    Free* first;
    std::size_t count;
  };
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 129;             // up to 8 KiB
  static constexpr std::size_t kKeptBytes = 128UL * 1024;  // of each class
  static std::size_t class_of(std::size_t bytes) { return (bytes + kStep - 1) / kStep; }

  // Nothing to construct or destroy: threads end with the process.
  static constinit thread_local std::array<List, kClasses> lists_;
};

inline constinit thread_local std::array<Frames::List, Frames::kClasses> Frames::lists_{};

}  // namespace tidegate
