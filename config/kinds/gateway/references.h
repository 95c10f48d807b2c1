#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tidegate::config {

inline constexpr const char* kGatewayGroup = "gateway.networking.k8s.io";

/// What a route or a ListenerSet attaches to. Source: Gateway API ParentReference.
struct ParentRef {
  std::string group = kGatewayGroup;
  std::string kind = "Gateway";
  std::optional<std::string> namespace_;  // absent: that of the route
  std::string name;
  std::optional<std::string> section_name;
  std::optional<int> port;
  bool operator==(const ParentRef&) const = default;
};

/// Source: Gateway API BackendObjectReference.
struct BackendObjectRef {
  std::string group;  // empty: core
  std::string kind = "Service";
  std::string name;
  std::optional<std::string> namespace_;  // absent: that of the referrer
  std::optional<int> port;                // required for a Service
  bool operator==(const BackendObjectRef&) const = default;
};

/// A backend and its share of the traffic (TLSRoute, TCPRoute, UDPRoute; with filters for HTTPRoute
/// and GRPCRoute).
struct BackendRef {
  std::string group;
  std::string kind = "Service";
  std::string name;
  std::optional<std::string> namespace_;
  std::optional<int> port;
  int weight = 1;  // 0..1000000
  bool operator==(const BackendRef&) const = default;
};

/// A Secret, unless it says otherwise. Source: SecretObjectReference.
struct SecretRef {
  std::string group;
  std::string kind = "Secret";
  std::string name;
  std::optional<std::string> namespace_;
  bool operator==(const SecretRef&) const = default;
};

/// Source: ObjectReference and ParametersReference (namespace allowed), LocalObjectReference (never
/// one).
struct ObjectRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> namespace_;
  bool operator==(const ObjectRef&) const = default;
};

struct LocalObjectRef {
  std::string group;
  std::string kind;
  std::string name;
  bool operator==(const LocalObjectRef&) const = default;
};

/// Source: LocalPolicyTargetReferenceWithSectionName.
struct PolicyTargetRef {
  std::string group;
  std::string kind;
  std::string name;
  std::optional<std::string> section_name;
  bool operator==(const PolicyTargetRef&) const = default;
};

enum class DefaultScope { kAll, kNone };

}  // namespace tidegate::config
