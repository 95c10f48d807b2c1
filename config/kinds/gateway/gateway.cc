#include "config/kinds/gateway/gateway.h"

#include "config/kinds/gateway/descriptions.h"
#include "config/kinds/gateway/listener_rules.h"

namespace tidegate::config {

static const std::vector<std::string_view>& enum_names(FrontendValidationMode) {
  static const std::vector<std::string_view> names{"AllowValidOnly", "AllowInsecureFallback"};
  return names;
}

namespace fields {
namespace {

const Description& allowed_listeners() {
  static const Description description =
      Fields<Gateway>().field<&Gateway::allowed_listeners>("namespaces");
  return description;
}

bool values_are_unique(const std::vector<GatewayAddress>& addresses, std::string_view type) {
  for (auto a = addresses.begin(); a != addresses.end(); ++a) {
    if (a->type != type || a->value.empty()) continue;
    for (auto b = addresses.begin(); b != a; ++b) {
      if (a->type == b->type && a->value == b->value) return false;
    }
  }
  return true;
}

}  // namespace

template <>
const Description& description<GatewayAddress>() {
  static const Description description =
      Fields<GatewayAddress>()
          .field<&GatewayAddress::type>("type", Bounds().length(1, 253).pattern(kAddressType))
          .field<&GatewayAddress::value>("value", Bounds().length(0, 253))
          .rule(
              "Hostname value must be empty or contain only valid characters (matching "
              "^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)",
              [](const GatewayAddress& a) {
                return a.type != "Hostname" || a.value.empty() || kWildcardHost.matches(a.value);
              });
  return description;
}

template <>
const Description& description<GatewayInfrastructure>() {
  using I = GatewayInfrastructure;
  static const Description description =
      Fields<I>()
          .field<&I::labels>(
              "labels", Bounds().items(0, 8).keys(kLabelKey).length(0, 63).pattern(kLabelValue))
          .field<&I::annotations>("annotations",
                                  Bounds().items(0, 16).keys(kLabelKey).length(0, 4096))
          .field<&I::parameters_ref>(
              "parametersRef", Bounds().doc("a GatewayParameters has no effect, since nothing is "
                                            "deployed; any other kind refuses the Gateway"));
  return description;
}

template <>
const Description& description<FrontendValidation>() {
  static const Description description = Fields<FrontendValidation>()
                                             .required<&FrontendValidation::ca_certificate_refs>(
                                                 "caCertificateRefs", Bounds().items(1, 16))
                                             .field<&FrontendValidation::mode>("mode");
  return description;
}

static const Description& frontend_port_tls() {
  static const Description description =
      Fields<FrontendTlsPort>().field<&FrontendTlsPort::validation>("validation");
  return description;
}

template <>
const Description& description<FrontendTlsPort>() {
  static const Description description =
      Fields<FrontendTlsPort>()
          .required<&FrontendTlsPort::port>("port", port_bounds())
          .inlined<frontend_port_tls>("tls", true);
  return description;
}

static const Description& backend_tls() {
  static const Description description =
      Fields<GatewayTls>().field<&GatewayTls::backend_client_certificate>("clientCertificateRef");
  return description;
}
static const Description& frontend_default() {
  static const Description description =
      Fields<GatewayTls>().field<&GatewayTls::frontend_validation>("validation");
  return description;
}
static const Description& frontend_tls() {
  static const Description description =
      Fields<GatewayTls>()
          .inlined<frontend_default>("default", true)
          .field<&GatewayTls::frontend_per_port>("perPort", Bounds().items(0, 64))
          .rule_at("perPort", "Port for TLS configuration must be unique within the Gateway",
                   [](const GatewayTls& t) {
                     const auto& list = t.frontend_per_port;
                     for (auto a = list.begin(); a != list.end(); ++a) {
                       for (auto b = list.begin(); b != a; ++b) {
                         if (a->port == b->port) return false;
                       }
                     }
                     return true;
                   });
  return description;
}

template <>
const Description& description<GatewayTls>() {
  static const Description description =
      Fields<GatewayTls>().inlined<backend_tls>("backend").inlined<frontend_tls>("frontend");
  return description;
}

template <>
const Description& description<Gateway>() {
  static const Description description = [] {
    Fields<Gateway> f;
    f.required<&Gateway::gateway_class_name>("gatewayClassName", name_bounds())
        .required<&Gateway::listeners>("listeners", Bounds().items(1, 64))
        .field<&Gateway::addresses>("addresses", Bounds().items(0, 16))
        .field<&Gateway::infrastructure>("infrastructure")
        .inlined<allowed_listeners>("allowedListeners")
        .field<&Gateway::tls>("tls")
        .field<&Gateway::default_scope>("defaultScope",
                                        Bounds().no_effect("routes name their Gateways"))
        .rule_at("addresses", "IPAddress values must be unique",
                 [](const Gateway& g) { return values_are_unique(g.addresses, "IPAddress"); })
        .rule_at("addresses", "Hostname values must be unique",
                 [](const Gateway& g) { return values_are_unique(g.addresses, "Hostname"); });
    add_listener_rules(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<ListenerSet>() {
  static const Description description = [] {
    Fields<ListenerSet> f;
    f.required<&ListenerSet::parent_ref>("parentRef")
        .required<&ListenerSet::listeners>("listeners", Bounds().items(1, 64))
        .rule_at("parentRef", "must not have sectionName or port", [](const ListenerSet& s) {
          return !s.parent_ref.section_name && !s.parent_ref.port;
        });
    add_listener_rules(f);
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
