#include "proxy/http/query.h"

#include "proxy/http/percent.h"

namespace tidegate::proxy::http {
namespace {

bool plain(std::string_view text) { return text.find_first_of("%+") == text.npos; }

/// Takes "name=value" off the front.
std::string_view next_part(std::string_view& query) {
  const std::string_view part = query.substr(0, query.find('&'));
  query.remove_prefix(std::min(query.size(), part.size() + 1));
  return part;
}

bool is_named(std::string_view part, std::string_view name) {
  const std::string_view key = part.substr(0, part.find('='));
  return plain(key) ? key == name : percent_decode(key, true) == name;
}

}  // namespace

bool query_parameter(std::string_view query, std::string_view name, std::string& value) {
  while (!query.empty()) {
    const std::string_view part = next_part(query);
    if (!is_named(part, name)) continue;
    const std::size_t equals = part.find('=');
    value = equals == part.npos ? std::string() : percent_decode(part.substr(equals + 1), true);
    return true;
  }
  return false;
}

std::string_view without_parameter(std::string_view path, std::string_view name, Arena& arena) {
  const std::size_t mark = path.find('?');
  if (mark == path.npos) return path;
  std::string kept;
  bool found = false;
  for (std::string_view query = path.substr(mark + 1); !query.empty();) {
    const std::string_view part = next_part(query);
    if (is_named(part, name)) {
      found = true;
      continue;
    }
    kept += kept.empty() ? '?' : '&';
    kept += part;
  }
  return found ? arena.join(path.substr(0, mark), kept) : path;
}

}  // namespace tidegate::proxy::http
