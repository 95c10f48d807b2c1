#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace tidegate::proxy {

/// Read buffers of a worker, of one size, recycled, the one last given back first. A connection
/// takes one when there is something to read, and holds it while what came is needed.
class BufferPool {
 public:
  /// A head and 64 KiB of a body in one read (ADR 0009).
  static constexpr std::size_t kBytes = 80 * 1024;
  using Buffer = std::unique_ptr<char[]>;

  Buffer take() {
    if (free_.empty()) return std::make_unique_for_overwrite<char[]>(kBytes);
    Buffer out = std::move(free_.back());
    free_.pop_back();
    return out;
  }
  void give(Buffer buffer) {
    if (!buffer || free_.size() >= kKept) return;
    try {
      free_.push_back(std::move(buffer));
    } catch (const std::bad_alloc&) {  // then it is not kept: this is called where all must go on
    }
  }
  void clear() { std::vector<Buffer>().swap(free_); }

 private:
  static constexpr std::size_t kKept = 128;
  std::vector<Buffer> free_;
};

}  // namespace tidegate::proxy
