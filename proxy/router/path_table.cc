#include "proxy/router/path_table.h"

namespace tidegate::proxy::router {

PathTable::PathTable(const std::vector<RouteEntry>& entries) {
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    const PathMatch& path = entries[i].match.path;
    switch (path.kind) {
      case PathMatch::Kind::kExact:
        exact_[path.value].push_back(i);
        break;
      case PathMatch::Kind::kRegex:
        expressions_.push_back(i);
        break;
      case PathMatch::Kind::kPrefix: {
        std::string_view prefix = path.value;
        while (prefix.ends_with('/')) prefix.remove_suffix(1);
        if (prefix.empty()) {
          everything_.push_back(i);
        } else {
          prefixes_[std::string(prefix)].push_back(i);
          longest_ = std::max(longest_, prefix.size());
        }
        break;
      }
    }
  }
}

}  // namespace tidegate::proxy::router
