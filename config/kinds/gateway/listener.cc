#include "config/kinds/gateway/listener.h"

#include <algorithm>

#include "config/kinds/gateway/descriptions.h"

namespace tidegate::config {

bool LabelSelector::matches(const std::map<std::string, std::string>& labels) const {
  for (const auto& [key, value] : match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  for (const Expression& e : match_expressions) {
    const auto found = labels.find(e.key);
    const bool there = found != labels.end();
    const bool listed =
        there && std::find(e.values.begin(), e.values.end(), found->second) != e.values.end();
    const bool holds = e.operator_ == "In"       ? listed
                       : e.operator_ == "NotIn"  ? !listed
                       : e.operator_ == "Exists" ? there
                                                 : !there;
    if (!holds) return false;
  }
  return true;
}

const std::vector<std::string_view>& enum_names(TlsMode) {
  static const std::vector<std::string_view> names{"Terminate", "Passthrough"};
  return names;
}
const std::vector<std::string_view>& enum_names(FromNamespaces) {
  static const std::vector<std::string_view> names{"All", "Selector", "Same", "None"};
  return names;
}

namespace fields {

template <>
const Description& description<LabelSelector::Expression>() {
  using Expression = LabelSelector::Expression;
  static const Description description =
      Fields<Expression>()
          .required<&Expression::key>("key")
          .required<&Expression::operator_>(
              "operator", Bounds().one_of({"In", "NotIn", "Exists", "DoesNotExist"}))
          .field<&Expression::values>("values")
          .rule_at("values", "must be specified when operator is In or NotIn, and only then",
                   [](const Expression& e) {
                     return (e.operator_ == "In" || e.operator_ == "NotIn") != e.values.empty();
                   });
  return description;
}

template <>
const Description& description<LabelSelector>() {
  static const Description description =
      Fields<LabelSelector>()
          .field<&LabelSelector::match_labels>("matchLabels")
          .field<&LabelSelector::match_expressions>("matchExpressions");
  return description;
}

template <>
const Description& description<NamespaceChoice>() {
  static const Description description = Fields<NamespaceChoice>()
                                             .field<&NamespaceChoice::from>("from")
                                             .field<&NamespaceChoice::selector>("selector");
  return description;
}

template <>
const Description& description<RouteGroupKind>() {
  static const Description description =
      Fields<RouteGroupKind>()
          .field<&RouteGroupKind::group>("group", group_bounds())
          .required<&RouteGroupKind::kind>("kind", kind_bounds());
  return description;
}

template <>
const Description& description<AllowedRoutes>() {
  static const Description description =
      Fields<AllowedRoutes>()
          .field<&AllowedRoutes::namespaces>("namespaces")
          .field<&AllowedRoutes::kinds>("kinds", Bounds().items(0, 8))
          .rule_at("namespaces", "Unsupported value: \"None\"", [](const AllowedRoutes& a) {
            return a.namespaces.from != FromNamespaces::kNone;
          });
  return description;
}

template <>
const Description& description<ListenerTls>() {
  static const Description description =
      Fields<ListenerTls>()
          .field<&ListenerTls::mode>("mode")
          .field<&ListenerTls::certificate_refs>("certificateRefs", Bounds().items(0, 64))
          .field<&ListenerTls::options>(
              "options", Bounds().items(0, 16).length(0, 4096).doc(
                             "of kgateway.dev/: min-tls-version, max-tls-version, cipher-suites, "
                             "ecdh-curves, signature-algorithms, alpn-protocols"))
          .rule("certificateRefs or options must be specified when mode is Terminate",
                [](const ListenerTls& t) {
                  return t.mode != TlsMode::kTerminate || !t.certificate_refs.empty() ||
                         !t.options.empty();
                });
  return description;
}

template <>
const Description& description<ListenerSpec>() {
  using L = ListenerSpec;
  static const Description description =
      Fields<L>()
          .required<&L::name>("name", section_bounds())
          .field<&L::hostname>("hostname", hostname_bounds())
          .required<&L::port>("port", port_bounds())
          .required<&L::protocol>("protocol", Bounds().length(1, 255).pattern(kProtocol))
          .field<&L::tls>("tls")
          .field<&L::allowed_routes>("allowedRoutes")
          .rule("tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
                [](const L& l) {
                  return !l.tls ||
                         (l.protocol != "HTTP" && l.protocol != "TCP" && l.protocol != "UDP");
                })
          .rule("tls mode must be Terminate for protocol HTTPS",
                [](const L& l) {
                  return l.protocol != "HTTPS" || !l.tls || l.tls->mode == TlsMode::kTerminate;
                })
          .rule("tls mode must be set for protocol TLS",
                [](const L& l) { return l.protocol != "TLS" || l.tls; })
          .rule("hostname must not be specified for protocols ['TCP', 'UDP']", [](const L& l) {
            return l.hostname.empty() || (l.protocol != "TCP" && l.protocol != "UDP");
          });
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
