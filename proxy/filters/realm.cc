#include "proxy/filters/realm.h"

#include <string>

namespace tidegate::proxy::filters {

std::string_view challenge(std::string_view scheme, const http::RequestHead& request,
                           Arena& arena) {
  constexpr std::size_t kPathMax = 256;  // Envoy's MaximumUriLength
  std::string path;
  for (const char c : request.path.substr(0, kPathMax)) {
    if (c == '"' || c == '\\') path += '\\';
    path += c;
  }
  return arena.join(scheme, " realm=\"", request.scheme, "://", request.authority, path, "\"");
}

}  // namespace tidegate::proxy::filters
