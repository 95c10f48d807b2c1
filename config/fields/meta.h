#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace tidegate::config {

/// Where an object lives. The namespace of a cluster-scoped object is empty.
struct NamespacedName {
  std::string namespace_;
  std::string name;
  auto operator<=>(const NamespacedName&) const = default;
};

/// What every object has. Source: Kubernetes ObjectMeta.
struct Meta {
  std::string api_version;  // "gateway.networking.k8s.io/v1", as written
  std::string kind;         // "HTTPRoute"
  std::string namespace_;   // "default" where a namespaced object gives none; empty: cluster-scoped
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string uid;              // as written, or derived from kind, namespace and name
  std::int64_t generation = 0;  // as written, or counted from 1 a change of the object
  std::string
      creation_timestamp;  // RFC 3339 as written; empty: equally old as all others without one
  std::string resource_version;  // as written; may be empty
  std::string file;              // as the user gave the directory
  int line = 0;                  // of the object in the file, from 1
  bool operator==(const Meta&) const = default;

  NamespacedName key() const { return {namespace_, name}; }
};

/// Whether `a` is the older object, which wins where two want the same; then by namespace and name.
/// Source: Gateway API, "Conflicts".
inline bool older(const Meta& a, const Meta& b) {
  return std::tie(a.creation_timestamp, a.namespace_, a.name) <
         std::tie(b.creation_timestamp, b.namespace_, b.name);
}

/// The part of an apiVersion before "/": empty for the core group.
inline std::string group_of(const std::string& api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string::npos ? std::string() : api_version.substr(0, slash);
}
inline std::string version_of(const std::string& api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string::npos ? api_version : api_version.substr(slash + 1);
}

}  // namespace tidegate::config
