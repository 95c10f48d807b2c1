#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace tidegate::proxy {

/// Memory for the strings that one exchange makes: taken by moving a pointer, given back all at
/// once. Views stay valid until reset(). The first bytes are in the arena itself, so an exchange of
/// usual size allocates nothing.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  char* allocate(std::size_t bytes) {
    if (bytes > static_cast<std::size_t>(end_ - next_)) grow(bytes);
    char* out = next_;
    next_ += bytes;
    return out;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* out = allocate(text.size());
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }
  template <class... Text>
  std::string_view join(const Text&... parts) {
    std::size_t size = (std::string_view(parts).size() + ... + 0);
    char* out = allocate(size);
    char* at = out;
    ((at = std::copy_n(std::string_view(parts).data(), std::string_view(parts).size(), at)), ...);
    return {out, size};
  }
  void reset() {
    more_.clear();
    next_ = first_;
    end_ = first_ + sizeof first_;
  }

 private:
  void grow(std::size_t bytes) {
    const std::size_t size = std::max(bytes, kBlockBytes);
    more_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = more_.back().get();
    end_ = next_ + size;
  }

  static constexpr std::size_t kBlockBytes = 2048;
  std::vector<std::unique_ptr<char[]>> more_;
  char first_[512];
  char* next_ = first_;
  char* end_ = first_ + sizeof first_;
};

}  // namespace tidegate::proxy
