#include "proxy/format/problem.h"

#include <fmt/format.h>

#include <algorithm>

namespace tidegate::proxy::format {

std::string Problem::text() const {
  std::string out = fmt::format("position {}: {}", position, message);
  if (!suggestion.empty()) out += fmt::format("; did you mean {}?", suggestion);
  return out;
}

std::string Problem::caret(std::string_view format) const {
  constexpr std::size_t kAround = 40;
  const std::size_t begin = position > kAround ? position - kAround : 0;
  std::string shown(format.substr(std::min(begin, format.size()), 2 * kAround));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return shown + "\n" + std::string(position - begin, ' ') + "^";
}

}  // namespace tidegate::proxy::format
