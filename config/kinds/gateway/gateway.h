#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/listener.h"
#include "config/kinds/gateway/references.h"

namespace tidegate::config {

struct GatewayAddress {
  std::string type = "IPAddress";  // IPAddress, Hostname, NamedAddress or example.com/own
  std::string value;               // empty: any of that type
  bool operator==(const GatewayAddress&) const = default;
};

struct GatewayInfrastructure {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::optional<LocalObjectRef> parameters_ref;
  bool operator==(const GatewayInfrastructure&) const = default;
};

enum class FrontendValidationMode { kAllowValidOnly, kAllowInsecureFallback };

struct FrontendValidation {
  std::vector<ObjectRef> ca_certificate_refs;
  FrontendValidationMode mode = FrontendValidationMode::kAllowValidOnly;
  bool operator==(const FrontendValidation&) const = default;
};

struct FrontendTlsPort {
  int port = 0;
  std::optional<FrontendValidation> validation;
  bool operator==(const FrontendTlsPort&) const = default;
};

/// Source: GatewayTLSConfig (GEP-91, GEP-3155).
struct GatewayTls {
  std::optional<SecretRef> backend_client_certificate;    // backend.clientCertificateRef
  std::optional<FrontendValidation> frontend_validation;  // frontend.default.validation
  std::vector<FrontendTlsPort> frontend_per_port;         // frontend.perPort
  bool operator==(const GatewayTls&) const = default;
};

/// Source: Gateway API Gateway.
struct Gateway {
  Meta meta;
  std::string gateway_class_name;
  std::vector<ListenerSpec> listeners;
  std::vector<GatewayAddress> addresses;
  std::optional<GatewayInfrastructure> infrastructure;
  NamespaceChoice allowed_listeners{FromNamespaces::kNone, {}};  // allowedListeners.namespaces
  std::optional<GatewayTls> tls;
  std::optional<DefaultScope> default_scope;
  bool operator==(const Gateway&) const = default;
};

}  // namespace tidegate::config
