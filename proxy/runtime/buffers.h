#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace tidegate::proxy {

/// Read buffers of a worker, of one size, recycled. A connection holds one only while bytes come
/// in.
class BufferPool {
 public:
  static constexpr std::size_t kBytes = 32 * 1024;
  /// Of what a body is read into that has filled one of the usual ones: half the system calls.
  static constexpr std::size_t kLargeBytes = 64 * 1024;
  using Buffer = std::unique_ptr<char[]>;

  Buffer take() { return take(free_, kBytes); }
  void give(Buffer buffer) { give(free_, std::move(buffer)); }
  Buffer take_large() { return take(large_, kLargeBytes); }
  void give_large(Buffer buffer) { give(large_, std::move(buffer)); }
  void clear() {
    Free().swap(free_);
    Free().swap(large_);
  }

 private:
  static constexpr std::size_t kKept = 256;
  using Free = std::vector<Buffer>;
  static Buffer take(Free& free, std::size_t bytes) {
    if (free.empty()) return std::make_unique_for_overwrite<char[]>(bytes);
    Buffer out = std::move(free.back());
    free.pop_back();
    return out;
  }
  static void give(Free& free, Buffer buffer) {
    if (!buffer || free.size() >= kKept) return;
    try {
      free.push_back(std::move(buffer));
    } catch (const std::bad_alloc&) {  // then it is not kept: this is called where all must go on
    }
  }
  Free free_, large_;
};

}  // namespace tidegate::proxy
