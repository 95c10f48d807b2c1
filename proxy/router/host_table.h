#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/router/text_table.h"

namespace tidegate::proxy::router {

/// Host names to numbers. A name is exact, a wildcard ("*.example.com": one or more labels in the
/// star's place), or any ("*" or empty). Names are in lower case. Source: Gateway API, Hostname.
class HostTable {
 public:
  void add(std::string_view pattern, std::uint32_t value);

  /// Calls `each(value)` from the most specific name that matches to the least (exact, longest
  /// wildcard first, any), until it returns true.
  template <class Each>
  bool walk(std::string_view host, Each each) const {
    if (!exact_.empty()) {
      const TextTable::Value* found = exact_.find(0, host);
      if (found && each(found->first)) return true;
    }
    if (!wildcards_.empty()) {
      for (std::size_t dot = host.find('.', 1); dot != host.npos; dot = host.find('.', dot + 1)) {
        const TextTable::Value* found = wildcards_.find(0, host.substr(dot));
        if (found && each(found->first)) return true;
      }
    }
    return has_any_ && each(any_);
  }

 private:
  TextTable exact_;
  TextTable wildcards_;  // ".example.com"
  std::uint32_t any_ = 0;
  bool has_any_ = false;
};

/// The host of an authority: lower case, without port and without the root's dot; an IPv6 address
/// keeps its brackets. `buffer` has room for all of `authority`.
std::string_view host_of(std::string_view authority, char* buffer);

}  // namespace tidegate::proxy::router
