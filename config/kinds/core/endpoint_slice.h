#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"

namespace tidegate::config {

struct EndpointConditions {
  std::optional<bool> ready;  // absent means ready
  std::optional<bool> serving;
  std::optional<bool> terminating;
  bool operator==(const EndpointConditions&) const = default;
};

struct SliceEndpoint {
  std::vector<std::string> addresses;  // IP addresses, or DNS names (address type FQDN)
  EndpointConditions conditions;
  std::string hostname;
  std::string node_name;
  std::string zone;
  std::vector<std::string> hint_zones;  // hints.forZones[].name
  bool operator==(const SliceEndpoint&) const = default;
};

struct SlicePort {
  std::string name;  // equals the Service port's name; both may be empty
  std::optional<int> port;
  std::string protocol = "TCP";
  std::string app_protocol;
  bool operator==(const SlicePort&) const = default;
};

inline constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

/// Source: Kubernetes discovery.k8s.io/v1 EndpointSlice. It belongs to the Service named by label
/// kServiceNameLabel.
struct EndpointSlice {
  Meta meta;
  std::string address_type;  // IPv4, IPv6, FQDN
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;
  bool operator==(const EndpointSlice&) const = default;
};

}  // namespace tidegate::config
