#include "proxy/http/normal_path.h"

#include <algorithm>
#include <cstring>

#include "proxy/http/percent.h"

namespace tidegate::proxy::http {
namespace {

bool is_normal(std::string_view path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '%' || c == '\\') return false;
    if (c == '/' && i + 1 < path.size() && (path[i + 1] == '/' || path[i + 1] == '.')) return false;
  }
  return true;
}

bool unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

bool is_dots(std::string_view text) { return text == "." || text == ".."; }

/// Whether some backend takes the segment for something else than it is: for one that goes up, or
/// for several with one that does.
bool ambiguous(std::string_view segment) {
  bool escaped = false;  // a slash
  bool dots = false;     // without a parameter
  std::size_t begin = 0;
  auto part = [&](std::size_t end) {
    const std::string_view one = segment.substr(begin, end - begin);
    const std::size_t parameter = one.find(';');
    if (!is_dots(one.substr(0, parameter))) return false;
    dots = true;
    return parameter != one.npos;
  };
  for (std::size_t i = 0; i + 2 < segment.size(); ++i) {
    if (segment[i] != '%') continue;
    const int value = hex_digit(segment[i + 1]) * 16 + hex_digit(segment[i + 2]);
    if (value != '/' && value != '\\') continue;
    escaped = true;
    if (part(i)) return true;
    begin = i + 3;
  }
  return part(segment.size()) || (escaped && dots);
}

/// The path as far as it has been written.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}

  void put(char c) { at_[size_++] = c; }
  /// False: a segment has ended that may be read in two ways.
  bool end_segment() {
    const std::string_view segment(at_ + begin_, size_ - begin_);
    if (ambiguous(segment)) return false;
    if (segment == ".") size_ = begin_;
    if (segment == "..") {
      size_ = begin_;
      if (size_ > 1) {
        --size_;
        while (at_[size_ - 1] != '/') --size_;
      }
      begin_ = size_;
    }
    return true;
  }
  void slash() {
    if (size_ == 0 || at_[size_ - 1] != '/') put('/');
    begin_ = size_;
  }
  std::string_view with(std::string_view rest) {
    std::memcpy(at_ + size_, rest.data(), rest.size());
    return {at_, size_ + rest.size()};
  }

 private:
  char* at_;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;  // of the segment
};

}  // namespace

std::optional<std::string_view> normal_path(std::string_view target, Arena& arena) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (is_normal(path)) return target;
  Writer out(arena.allocate(target.size()));
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '/' || c == '\\') {
      if (!out.end_segment()) return std::nullopt;
      out.slash();
    } else if (c == '%') {
      if (i + 2 >= path.size()) return std::nullopt;
      const int high = hex_digit(path[i + 1]);
      const int low = hex_digit(path[i + 2]);
      if (high < 0 || low < 0 || high * 16 + low == 0) return std::nullopt;
      if (unreserved(high * 16 + low)) {
        out.put(static_cast<char>(high * 16 + low));
        i += 2;
      } else {
        out.put(c);
      }
    } else {
      out.put(c);
    }
  }
  if (!out.end_segment()) return std::nullopt;
  return out.with(target.substr(path.size()));
}

}  // namespace tidegate::proxy::http
