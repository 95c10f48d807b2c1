#include "config/kinds/core/base64.h"

#include <cstdint>

namespace tidegate::config {

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;    // characters of the group at hand
  int padding = 0;  //
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<std::uint32_t>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<std::uint32_t>(c - 'a') + 26;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<std::uint32_t>(c - '0') + 52;
    } else if (c == '+') {
      value = 62;
    } else if (c == '/') {
      value = 63;
    } else if (c == '=' && count >= 2 && padding < 2) {
      ++padding;
    } else {
      return std::nullopt;
    }
    if (padding > 0 && c != '=') return std::nullopt;
    bits = bits << 6U | value;
    if (++count < 4) continue;
    out.push_back(static_cast<char>(bits >> 16U & 0xFFU));
    if (padding < 2) out.push_back(static_cast<char>(bits >> 8U & 0xFFU));
    if (padding < 1) out.push_back(static_cast<char>(bits & 0xFFU));
    bits = 0;
    count = 0;
    if (padding > 0) {  // only line breaks may follow
      if (text.find_first_not_of("\r\n", i + 1) != std::string_view::npos) return std::nullopt;
      return out;
    }
  }
  if (count != 0) return std::nullopt;
  return out;
}

}  // namespace tidegate::config
