#include "proxy/router/query.h"

#include "proxy/http/percent.h"

namespace tidegate::proxy::router {
namespace {

bool plain(std::string_view text) { return text.find_first_of("%+") == text.npos; }

}  // namespace

bool query_parameter(std::string_view query, std::string_view name, std::string& value) {
  while (!query.empty()) {
    std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    std::size_t equals = part.find('=');
    std::string_view key = part.substr(0, equals);
    if (plain(key) ? key != name : http::percent_decode(key, true) != name) continue;
    value =
        equals == part.npos ? std::string() : http::percent_decode(part.substr(equals + 1), true);
    return true;
  }
  return false;
}

}  // namespace tidegate::proxy::router
