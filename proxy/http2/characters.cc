#include "proxy/http2/characters.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tidegate::proxy::http2 {
namespace {

enum Class : std::uint8_t { kToken = 1, kPath = 2, kHost = 4, kAddress = 8 };

constexpr std::array<std::uint8_t, 128> kClasses = [] {
  std::array<std::uint8_t, 128> out{};
  auto mark = [&out](std::string_view all, int classes) {
    for (const char c : all) out[static_cast<std::size_t>(c)] |= static_cast<std::uint8_t>(classes);
  };
  for (std::size_t c = 0x21; c < 0x7F; ++c) out[c] = c == '#' ? 0 : kPath;
  mark("0123456789abcdefABCDEF", kToken | kHost | kAddress);
  mark("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ", kToken | kHost);
  mark("!#$%&'*+-.^_`|~", kToken);
  mark("-._~!$&'()*+,;=%", kHost);
  mark(":.", kAddress);
  return out;
}();

bool all_of(std::string_view text, Class wanted) {
  return std::all_of(text.begin(), text.end(), [wanted](char c) {
    const auto at = static_cast<unsigned char>(c);
    return at < kClasses.size() && (kClasses[at] & wanted) != 0;
  });
}

/// Empty, or ":" and up to 65535; a port may be left out after its colon.
bool valid_port(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':' || text.size() > 6) return false;
  int number = 0;
  for (const char c : text.substr(1)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  return number <= 65535;
}

}  // namespace

bool valid_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 && all_of(text, kToken);
}

bool valid_authority(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    return close != text.npos && close >= 3 && all_of(text.substr(1, close - 1), kAddress) &&
           valid_port(text.substr(close + 1));
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  return colon > 0 && all_of(text.substr(0, colon), kHost) && valid_port(text.substr(colon));
}

bool valid_path(std::string_view text) { return text.starts_with('/') && all_of(text, kPath); }

}  // namespace tidegate::proxy::http2
