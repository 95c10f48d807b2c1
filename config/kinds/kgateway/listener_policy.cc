#include "config/kinds/kgateway/listener_policy.h"

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/http_settings_fields.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(ClientCertificates::Mode) {
  static const std::vector<std::string_view> names{"Require", "Optional"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<ListenerProxyProtocol>() {
  using P = ListenerProxyProtocol;
  static const Description description =
      Fields<P>().field<&P::allow_requests_without_proxy_protocol>(
          "allowRequestsWithoutProxyProtocol");
  return description;
}

template <>
const Description& description<ClientCertificates>() {
  using C = ClientCertificates;
  static const Description description =
      Fields<C>().required<&C::mode>("mode").required<&C::ca_certificate_refs>(
          "caCertificateRefs", Bounds().items(1, 8));
  return description;
}

template <class T>
static void add_settings(Fields<T>& f) {
  f.template field<&T::proxy_protocol>("proxyProtocol");
  f.template field<&T::tcp_keepalive>("tcpKeepalive");
  f.template field<&T::per_connection_buffer_limit_bytes>("perConnectionBufferLimitBytes",
                                                          Bounds().at_least(0));
  f.template field<&T::http_settings>("httpSettings");
  f.template field<&T::transport_socket_connect_timeout>("transportSocketConnectTimeout");
}

template <>
const Description& description<ListenerSettings>() {
  static const Description description = [] {
    Fields<ListenerSettings> f;
    add_settings(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<DefaultListenerSettings>() {
  using D = DefaultListenerSettings;
  static const Description description = [] {
    Fields<D> f;
    f.field<&D::client_certificate_validation>("clientCertificateValidation");
    add_settings(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<ListenerPolicy::Port>() {
  using P = ListenerPolicy::Port;
  static const Description description =
      Fields<P>()
          .required<&P::port>("port", port_bounds())
          .required<&P::listener>("listener", Bounds().doc("replaces all of default"));
  return description;
}

template <class Targets>
static bool are_gateways(const Targets& targets) {
  return std::all_of(targets.begin(), targets.end(),
                     [](const auto& t) { return t.kind == "Gateway" && t.group == kGatewayGroup; });
}

template <>
const Description& description<ListenerPolicy>() {
  using P = ListenerPolicy;
  static const Description description =
      Fields<P>()
          .field<&P::target_refs>("targetRefs", Bounds().items(1, 16))
          .field<&P::target_selectors>("targetSelectors")
          .field<&P::default_>("default")
          .field<&P::per_port>("perPort", Bounds().items(0, 64))
          .rule_at("targetRefs", "targetRefs may only reference Gateway resource",
                   [](const P& p) { return are_gateways(p.target_refs); })
          .rule_at("targetSelectors", "targetSelectors may only reference Gateway resource",
                   [](const P& p) { return are_gateways(p.target_selectors); })
          .rule_at("perPort", "Port for listener configuration must be unique within the Gateway",
                   [](const P& p) { return keys_differ<&P::Port::port>(p.per_port); });
  return description;
}

template <>
const Description& description<HttpListenerPolicy>() {
  using P = HttpListenerPolicy;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::target_refs>("targetRefs", Bounds().items(1, 16))
        .field<&P::target_selectors>("targetSelectors");
    add_http_settings(f);
    f.rule_at("targetRefs", "targetRefs may only reference Gateway resources",
              [](const P& p) { return are_gateways(p.target_refs); })
        .rule_at("targetSelectors", "targetSelectors may only reference Gateway resources",
                 [](const P& p) { return are_gateways(p.target_selectors); });
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
