#pragma once

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "proxy/snapshot/external_auth.h"
#include "proxy/snapshot/filters.h"
#include "proxy/snapshot/telemetry.h"

/// Where names of clusters stand in a snapshot's values: the members that are called "cluster" or
/// "..._cluster", however deep. So whatever calls a service is found, also what comes to be added.
namespace tidegate::controlloop::translate {

inline bool names_cluster(std::string_view member) {
  return member == "cluster" || member.ends_with("_cluster");
}

template <class T, class Each>
void visit_clusters(T& value, Each& each);
template <class T, class Each>
void visit_clusters(std::vector<T>& list, Each& each);
template <class T, class Each>
void visit_clusters(std::map<std::string, T>& map, Each& each);
template <class T, class Each>
void visit_clusters(std::optional<T>& maybe, Each& each);
template <class... T, class Each>
void visit_clusters(std::variant<T...>& one, Each& each);

/// Calls `each.cluster(name)` and, for filters that stand elsewhere, `each.shared(name)`; both may
/// change the name. A service that is called by its cluster's name goes on being called so.
template <class T, class Each>
void visit_clusters(T& value, Each& each) {
  namespace describe = boost::describe;
  if constexpr (std::is_same_v<T, proxy::SharedFilter>) {
    each.shared(value.name);
  } else if constexpr (describe::has_describe_members<T>::value) {
    constexpr bool kCalledByName =
        std::is_same_v<T, proxy::ServiceCall> || std::is_same_v<T, proxy::Collector>;
    std::string before;
    if constexpr (kCalledByName) before = value.cluster;
    boost::mp11::mp_for_each<describe::describe_members<T, describe::mod_public>>([&](auto member) {
      auto& part = value.*member.pointer;
      if constexpr (std::is_same_v<std::decay_t<decltype(part)>, std::string>) {
        if (names_cluster(member.name) && !part.empty()) each.cluster(part);
      } else {
        visit_clusters(part, each);
      }
    });
    if constexpr (kCalledByName) {
      if (value.cluster != before && value.authority.empty()) value.authority = before;
    }
  }
}
template <class T, class Each>
void visit_clusters(std::vector<T>& list, Each& each) {
  for (T& one : list) visit_clusters(one, each);
}
template <class T, class Each>
void visit_clusters(std::map<std::string, T>& map, Each& each) {
  for (auto& [key, one] : map) visit_clusters(one, each);
}
template <class T, class Each>
void visit_clusters(std::optional<T>& maybe, Each& each) {
  if (maybe) visit_clusters(*maybe, each);
}
template <class... T, class Each>
void visit_clusters(std::variant<T...>& one, Each& each) {
  std::visit([&each](auto& value) { visit_clusters(value, each); }, one);
}

}  // namespace tidegate::controlloop::translate
