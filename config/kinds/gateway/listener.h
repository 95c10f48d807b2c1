#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"

namespace tidegate::config {

/// Source: Kubernetes LabelSelector. Empty selects everything.
struct LabelSelector {
  struct Expression {
    std::string key;
    std::string operator_;  // In, NotIn, Exists, DoesNotExist
    std::vector<std::string> values;
    bool operator==(const Expression&) const = default;
  };
  std::map<std::string, std::string> match_labels;
  std::vector<Expression> match_expressions;
  bool operator==(const LabelSelector&) const = default;

  bool matches(const std::map<std::string, std::string>& labels) const;
};

enum class FromNamespaces { kAll, kSelector, kSame, kNone };

struct NamespaceChoice {
  FromNamespaces from = FromNamespaces::kSame;
  std::optional<LabelSelector> selector;  // with kSelector
  bool operator==(const NamespaceChoice&) const = default;
};

struct RouteGroupKind {
  std::string group = kGatewayGroup;
  std::string kind;
  bool operator==(const RouteGroupKind&) const = default;
};

struct AllowedRoutes {
  NamespaceChoice namespaces;
  std::vector<RouteGroupKind> kinds;  // empty: what the protocol supports
  bool operator==(const AllowedRoutes&) const = default;
};

enum class TlsMode { kTerminate, kPassthrough };

struct ListenerTls {
  TlsMode mode = TlsMode::kTerminate;
  std::vector<SecretRef> certificate_refs;
  std::map<std::string, std::string> options;
  bool operator==(const ListenerTls&) const = default;
};

/// One listener of a Gateway or of a ListenerSet. Source: Gateway API Listener, ListenerEntry.
struct ListenerSpec {
  std::string name;
  std::string hostname;  // exact or "*.example.com"; empty: any
  int port = 0;          // 1..65535
  std::string protocol;  // HTTP, HTTPS, TLS, TCP, UDP or example.com/own
  std::optional<ListenerTls> tls;
  AllowedRoutes allowed_routes;
  bool operator==(const ListenerSpec&) const = default;
};

}  // namespace tidegate::config
