#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// Which bytes may stand where, as tables: one lookup a byte.
namespace tidegate::proxy::http1 {

enum CharacterClass : std::uint8_t {
  kToken = 1,   // RFC 9110 section 5.6.2
  kValue = 2,   // of a field: VCHAR, obs-text, SP, HTAB
  kTarget = 4,  // of a request target: visible ASCII without '#'
  kHost = 8,    // of a host, port and brackets included
};

inline constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> out{};
  for (int c = 0; c < 256; ++c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    std::uint8_t classes = 0;
    if (alphanumeric ||
        std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos) {
      if (c > 0 && c < 128) classes |= kToken;
    }
    if ((c >= 0x20 && c != 0x7F) || c == '\t') classes |= kValue;
    if (c > 0x20 && c < 0x7F && c != '#') classes |= kTarget;
    if (c > 0 && c < 128 &&
        (alphanumeric || std::string_view("-._~!$&'()*+,;=%[]:").find(static_cast<char>(c)) !=
                             std::string_view::npos)) {
      classes |= kHost;
    }
    out[static_cast<std::size_t>(c)] = classes;
  }
  return out;
}();

inline bool all_of(std::string_view text, CharacterClass wanted) {
  for (const char c : text) {
    if (!(kClasses[static_cast<unsigned char>(c)] & wanted)) return false;
  }
  return true;
}

}  // namespace tidegate::proxy::http1
