#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/http_route.h"
#include "config/kinds/gateway/references.h"
#include "config/kinds/gateway/route_filters.h"

namespace tidegate::config {

struct GrpcMethodMatch {
  ValueMatchType type = ValueMatchType::kExact;
  std::optional<std::string> service;  // at least one of the two
  std::optional<std::string> method;
  bool operator==(const GrpcMethodMatch&) const = default;
};

struct GrpcRouteMatch {
  std::optional<GrpcMethodMatch> method;  // absent: any
  std::vector<HttpValueMatch> headers;
  bool operator==(const GrpcRouteMatch&) const = default;
};

enum class GrpcFilterType {
  kRequestHeaderModifier,
  kResponseHeaderModifier,
  kRequestMirror,
  kExtensionRef,
};

/// Exactly the member that `type` names is set.
struct GrpcRouteFilter {
  GrpcFilterType type = GrpcFilterType::kExtensionRef;
  std::optional<HeaderModifier> request_header_modifier;
  std::optional<HeaderModifier> response_header_modifier;
  std::optional<RequestMirror> request_mirror;
  std::optional<LocalObjectRef> extension_ref;
  bool operator==(const GrpcRouteFilter&) const = default;
};

struct GrpcBackendRef : BackendRef {
  std::vector<GrpcRouteFilter> filters;
  bool operator==(const GrpcBackendRef&) const = default;
};

struct GrpcRouteRule {
  std::string name;
  std::vector<GrpcRouteMatch> matches;  // empty: everything
  std::vector<GrpcRouteFilter> filters;
  std::vector<GrpcBackendRef> backend_refs;
  std::optional<SessionPersistence> session_persistence;
  bool operator==(const GrpcRouteRule&) const = default;
};

/// Source: Gateway API GRPCRoute.
struct GrpcRoute {
  Meta meta;
  std::vector<ParentRef> parent_refs;
  std::optional<DefaultScope> use_default_gateways;
  std::vector<std::string> hostnames;
  std::vector<GrpcRouteRule> rules;
  bool operator==(const GrpcRoute&) const = default;
};

}  // namespace tidegate::config
