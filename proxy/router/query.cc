#include "proxy/router/query.h"

namespace tidegate::proxy::router {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out.push_back(' ');
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool plain(std::string_view text) { return text.find_first_of("%+") == text.npos; }

}  // namespace

bool query_parameter(std::string_view query, std::string_view name, std::string& value) {
  while (!query.empty()) {
    std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    std::size_t equals = part.find('=');
    std::string_view key = part.substr(0, equals);
    if (plain(key) ? key != name : decode(key) != name) continue;
    value = equals == part.npos ? std::string() : decode(part.substr(equals + 1));
    return true;
  }
  return false;
}

}  // namespace tidegate::proxy::router
