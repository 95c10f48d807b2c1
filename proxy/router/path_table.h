#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/router/host_table.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::router {

/// The entries of one virtual host by their paths: hashes instead of a list, so that ten thousand
/// routes cost what one does. An entry is named by its index, and a lower index goes first (that is
/// the order of precedence).
class PathTable {
 public:
  explicit PathTable(const std::vector<RouteEntry>& entries);

  /// Calls `each(index)` with the entries whose exact path or prefix matches `path`: exact ones,
  /// then prefixes from the longest to the shortest, until it returns true. Regular expressions are
  /// not in here: see expressions().
  template <class Each>
  bool walk(std::string_view path, Each each) const {
    if (!exact_.empty()) {
      auto found = exact_.find(path);
      if (found != exact_.end() && any(found->second, each)) return true;
    }
    if (!prefixes_.empty()) {
      std::string_view prefix = path.substr(0, longest_);
      // Whole segments only: what is cut off begins with a slash.
      if (prefix.size() < path.size() && path[prefix.size()] != '/')
        prefix = prefix.substr(0, prefix.rfind('/'));
      while (!prefix.empty() && prefix.size() != prefix.npos) {
        auto found = prefixes_.find(prefix);
        if (found != prefixes_.end() && any(found->second, each)) return true;
        std::size_t slash = prefix.rfind('/');
        if (slash == prefix.npos) break;
        prefix = prefix.substr(0, slash);
      }
    }
    return any(everything_, each);
  }
  const std::vector<std::uint32_t>& expressions() const { return expressions_; }

 private:
  template <class Each>
  static bool any(const std::vector<std::uint32_t>& indices, Each& each) {
    for (const std::uint32_t index : indices) {
      if (each(index)) return true;
    }
    return false;
  }

  ViewMap<std::vector<std::uint32_t>> exact_;
  ViewMap<std::vector<std::uint32_t>> prefixes_;
  std::vector<std::uint32_t> everything_;   // prefix "/"
  std::vector<std::uint32_t> expressions_;  // in order of precedence
  std::size_t longest_ = 0;                 // prefix
};

}  // namespace tidegate::proxy::router
