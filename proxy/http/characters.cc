#include "proxy/http/characters.h"

#include "proxy/http/fields.h"

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

bool valid_protocol(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('/'));
  if (name.empty() || !all_of(name, kToken)) return false;
  if (name.size() == text.size()) return true;
  const std::string_view version = text.substr(name.size() + 1);
  return !version.empty() && all_of(version, kToken);
}

bool hides_requests(std::string_view protocol) {
  const std::string_view name = protocol.substr(0, protocol.find('/'));
  return iequals(name, "h2c") || iequals(name, "h2") || iequals(name, "http");
}

}  // namespace tidegate::proxy::http
