#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidegate::proxy::router {

/// Hash that looks strings up by views.
struct ViewHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <class Value>
using ViewMap = std::unordered_map<std::string, Value, ViewHash, std::equal_to<>>;

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
      auto found = exact_.find(host);
      if (found != exact_.end() && each(found->second)) return true;
    }
    if (!wildcards_.empty()) {
      for (std::size_t dot = host.find('.', 1); dot != host.npos; dot = host.find('.', dot + 1)) {
        auto found = wildcards_.find(host.substr(dot));
        if (found != wildcards_.end() && each(found->second)) return true;
      }
    }
    return has_any_ && each(any_);
  }

 private:
  ViewMap<std::uint32_t> exact_;
  ViewMap<std::uint32_t> wildcards_;  // ".example.com"
  std::uint32_t any_ = 0;
  bool has_any_ = false;
};

/// The host of an authority: lower case, without port and without the root's dot; an IPv6 address
/// keeps its brackets. `buffer` has room for all of `authority`.
std::string_view host_of(std::string_view authority, char* buffer);

}  // namespace tidegate::proxy::router
