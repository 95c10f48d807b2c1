#include "proxy/http/characters.h"

namespace tidegate::proxy::http {
namespace {

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

bool valid_ipv6(std::string_view text) {
  return text.size() >= 2 && text.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos;
}

}  // namespace

bool valid_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 && all_of(text, kToken);
}

bool valid_authority(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    return close != text.npos && valid_ipv6(text.substr(1, close - 1)) &&
           valid_port(text.substr(close + 1));
  }
  if (text.find('%') != text.npos) return false;  // names are compared as they are written
  std::size_t host = 0;
  while (host < text.size() && (kClasses[static_cast<unsigned char>(text[host])] & kHost)) ++host;
  return host > 0 && valid_port(text.substr(host));
}

bool valid_path(std::string_view text) { return text.starts_with('/') && all_of(text, kTarget); }

}  // namespace tidegate::proxy::http
