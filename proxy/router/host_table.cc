#include "proxy/router/host_table.h"

namespace tidegate::proxy::router {

void HostTable::add(std::string_view pattern, std::uint32_t value) {
  if (pattern.empty() || pattern == "*") {
    any_ = value;
    has_any_ = true;
  } else if (pattern.starts_with("*.")) {
    wildcards_.add(0, pattern.substr(1), {value, 0});
  } else {
    exact_.add(0, pattern, {value, 0});
  }
}

std::string_view host_of(std::string_view authority, char* buffer) {
  std::size_t size = authority.size();
  if (std::size_t close = authority.rfind(']'); close != authority.npos) {
    size = close + 1;
  } else if (std::size_t colon = authority.find(':'); colon != authority.npos) {
    size = colon;
  }
  if (size > 1 && authority[size - 1] == '.') --size;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = authority[i];
    buffer[i] = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return {buffer, size};
}

}  // namespace tidegate::proxy::router
