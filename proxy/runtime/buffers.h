#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace tidegate::proxy {

/// Read buffers of a worker, of one size, recycled. A connection holds one only while bytes come
/// in.
class BufferPool {
 public:
  static constexpr std::size_t kBytes = 32 * 1024;
  using Buffer = std::unique_ptr<char[]>;

  Buffer take() {
    if (free_.empty()) return std::make_unique_for_overwrite<char[]>(kBytes);
    Buffer out = std::move(free_.back());
    free_.pop_back();
    return out;
  }
  void clear() { std::vector<Buffer>().swap(free_); }
  void give(Buffer buffer) {
    if (buffer && free_.size() < kKept) free_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kKept = 256;
  std::vector<Buffer> free_;
};

}  // namespace tidegate::proxy
