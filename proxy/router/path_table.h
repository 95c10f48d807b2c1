#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/router/text_table.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::router {

/// The entries of all virtual hosts by their paths: one hash table instead of lists, so that ten
/// thousand routes cost what one does. Entries are numbered through all hosts, in each in the order
/// of precedence: a lower number goes first.
class PathTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// The entries of one path. Where the first has no condition but its path, nothing else need be
  /// touched: `rule` is its rule, else kNone.
  struct Hit {
    std::uint32_t entry = kNone;
    std::uint32_t rule = kNone;
  };
  /// Expressions of a host, in order of precedence.
  struct Range {
    const std::uint32_t* first;
    const std::uint32_t* last;
    const std::uint32_t* begin() const { return first; }
    const std::uint32_t* end() const { return last; }
  };

  /// The next host, with its entries; `next` gets, for each entry, the next one of the same path.
  void add(const VirtualHost& host, std::vector<std::uint32_t>& next);

  /// Calls `each(hit)` with the paths of a host that match: the exact one, then prefixes from the
  /// longest to the shortest, until it returns true. Regular expressions are not in here.
  template <class Each>
  void walk(std::uint32_t number, std::string_view path, Each each) const {
    const Host& host = hosts_[number];
    if (!exact_.empty()) {
      const TextTable::Value* found = exact_.find(number, path);
      if (found && each(Hit{found->first, found->second})) return;
    }
    if (host.longest > 0) {
      std::string_view prefix = path.substr(0, host.longest);
      // Whole segments only: what is cut off begins with a slash.
      if (prefix.size() < path.size() && path[prefix.size()] != '/')
        prefix = prefix.substr(0, prefix.rfind('/'));
      while (!prefix.empty()) {
        const TextTable::Value* found = prefixes_.find(number, prefix);
        if (found && each(Hit{found->first, found->second})) return;
        const std::size_t slash = prefix.rfind('/');
        if (slash == prefix.npos) break;
        prefix = prefix.substr(0, slash);
      }
    }
    if (host.everything.entry != kNone) each(host.everything);
  }
  Range expressions(std::uint32_t number) const {
    const Host& host = hosts_[number];
    return {expressions_.data() + host.expressions, expressions_.data() + host.expressions_end};
  }
  /// Whether what walk() finds first goes first: longer prefixes stand before shorter ones, exact
  /// paths before both. Weights may put it otherwise; then all that it finds must be compared.
  bool in_order(std::uint32_t number) const { return hosts_[number].in_order; }
  /// The number of a host's first entry.
  std::uint32_t first_entry(std::uint32_t number) const { return hosts_[number].first_entry; }

 private:
  struct Host {
    std::uint32_t first_entry = 0;
    std::uint32_t longest = 0;  // prefix
    bool in_order = true;
    Hit everything;  // prefix "/"
    std::uint32_t expressions = 0, expressions_end = 0;
  };

  TextTable exact_;
  TextTable prefixes_;
  std::vector<Host> hosts_;
  std::vector<std::uint32_t> expressions_;
  std::uint32_t entries_ = 0;
};

}  // namespace tidegate::proxy::router
