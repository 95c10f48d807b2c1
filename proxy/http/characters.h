#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// Which bytes may stand where, as tables: one lookup a byte.
namespace tidegate::proxy::http {

enum CharacterClass : std::uint8_t {
  kToken = 1,   // RFC 9110 section 5.6.2
  kValue = 2,   // of a field: VCHAR, obs-text, SP, HTAB
  kTarget = 4,  // of a request target: visible ASCII without '#'
  kHost = 8,    // of a host's name; without ',', which joins two of them
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
        (alphanumeric || std::string_view("-._~!$&'()*+;=%").find(static_cast<char>(c)) !=
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

/// A method: a token of up to 32 characters. Source: RFC 9110 section 9.1.
bool valid_method(std::string_view text);
/// host [ ":" port ], without user information; may be empty. Source: RFC 3986 section 3.2, RFC
/// 9110 section 7.2.
bool valid_authority(std::string_view text);
/// origin-form: '/' and what may follow it, visible ASCII without '#'. Source: RFC 9112
/// section 3.2.1.
bool valid_path(std::string_view text);
/// A protocol to switch to: name [ "/" version ]. Source: RFC 9110 section 7.8.
bool valid_protocol(std::string_view text);
/// Whether it is HTTP again: requests in such a tunnel would pass routes and policies unseen.
/// HTTP/2 has given `h2c` up (RFC 9113 section 3.1).
bool hides_requests(std::string_view protocol);

}  // namespace tidegate::proxy::http
