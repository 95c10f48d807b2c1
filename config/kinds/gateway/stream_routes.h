#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/references.h"

namespace tidegate::config {

/// The rule of a TLSRoute, TCPRoute or UDPRoute.
struct StreamRouteRule {
  std::string name;
  std::vector<BackendRef> backend_refs;
  bool operator==(const StreamRouteRule&) const = default;
};

/// Source: Gateway API TLSRoute.
struct TlsRoute {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::optional<DefaultScope> use_default_gateways;
  std::vector<std::string> hostnames;  // SNI
  std::vector<StreamRouteRule> rules;
  bool operator==(const TlsRoute&) const = default;
};

/// Source: Gateway API TCPRoute.
struct TcpRoute {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::optional<DefaultScope> use_default_gateways;
  std::vector<StreamRouteRule> rules;
  bool operator==(const TcpRoute&) const = default;
};

/// Source: Gateway API UDPRoute.
struct UdpRoute {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::optional<DefaultScope> use_default_gateways;
  std::vector<StreamRouteRule> rules;
  bool operator==(const UdpRoute&) const = default;
};

}  // namespace tidegate::config
