#include "proxy/admin/query.h"

#include <algorithm>

#include "proxy/http/percent.h"

namespace tidegate::proxy::admin {
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    std::size_t equals = part.find('=');
    out.emplace_back(
        http::percent_decode(part.substr(0, equals), true),
        equals == part.npos ? std::string() : http::percent_decode(part.substr(equals + 1), true));
  }
  return out;
}

}  // namespace tidegate::proxy::admin
