#include "config/kinds/gateway/descriptions.h"

// GatewayClass, ReferenceGrant and BackendTLSPolicy.
namespace tidegate::config {

static const std::vector<std::string_view>& enum_names(SubjectAltName::Type) {
  static const std::vector<std::string_view> names{"Hostname", "URI"};
  return names;
}

namespace fields {

template <>
const Description& description<GatewayClass>() {
  static const Description description =
      Fields<GatewayClass>()
          .required<&GatewayClass::controller_name>("controllerName",
                                                    Bounds().length(1, 253).pattern(kDomainPath))
          .field<&GatewayClass::description>("description", Bounds().length(0, 64))
          .field<&GatewayClass::parameters_ref>("parametersRef",
                                                Bounds().no_effect("nothing is deployed"));
  return description;
}

template <>
const Description& description<ReferenceGrant::From>() {
  using From = ReferenceGrant::From;
  static const Description description =
      Fields<From>()
          .required<&From::group>("group", group_bounds())
          .required<&From::kind>("kind", kind_bounds())
          .required<&From::namespace_>("namespace", namespace_bounds());
  return description;
}

template <>
const Description& description<ReferenceGrant::To>() {
  using To = ReferenceGrant::To;
  static const Description description = Fields<To>()
                                             .required<&To::group>("group", group_bounds())
                                             .required<&To::kind>("kind", kind_bounds())
                                             .field<&To::name>("name", name_bounds());
  return description;
}

template <>
const Description& description<ReferenceGrant>() {
  static const Description description =
      Fields<ReferenceGrant>()
          .required<&ReferenceGrant::from>("from", Bounds().items(1, 16))
          .required<&ReferenceGrant::to>("to", Bounds().items(1, 16));
  return description;
}

template <>
const Description& description<PolicyTargetRef>() {
  static const Description description =
      Fields<PolicyTargetRef>()
          .required<&PolicyTargetRef::group>("group", group_bounds())
          .required<&PolicyTargetRef::kind>("kind", kind_bounds())
          .required<&PolicyTargetRef::name>("name", name_bounds())
          .field<&PolicyTargetRef::section_name>("sectionName", section_bounds());
  return description;
}

template <>
const Description& description<SubjectAltName>() {
  using S = SubjectAltName;
  static const Description description =
      Fields<S>()
          .required<&S::type>("type")
          .field<&S::hostname>("hostname", hostname_bounds())
          .field<&S::uri>("uri", Bounds().length(1, 253).pattern(kUri))
          .rule("SubjectAltName element must contain Hostname, if Type is set to Hostname",
                [](const S& s) { return s.type != S::Type::kHostname || !s.hostname.empty(); })
          .rule("SubjectAltName element must not contain Hostname, if Type is not set to Hostname",
                [](const S& s) { return s.type == S::Type::kHostname || s.hostname.empty(); })
          .rule("SubjectAltName element must contain URI, if Type is set to URI",
                [](const S& s) { return s.type != S::Type::kUri || !s.uri.empty(); })
          .rule("SubjectAltName element must not contain URI, if Type is not set to URI",
                [](const S& s) { return s.type == S::Type::kUri || s.uri.empty(); });
  return description;
}

template <>
const Description& description<BackendTlsPolicy::Validation>() {
  using V = BackendTlsPolicy::Validation;
  static const Description description =
      Fields<V>()
          .field<&V::ca_certificate_refs>("caCertificateRefs", Bounds().items(0, 8))
          .field<&V::well_known_ca_certificates>("wellKnownCACertificates",
                                                 Bounds().length(1, 253).pattern(kWellKnownCa))
          .required<&V::hostname>("hostname", section_bounds())
          .field<&V::subject_alt_names>("subjectAltNames", Bounds().items(0, 5))
          .rule("must not contain both CACertificateRefs and WellKnownCACertificates",
                [](const V& v) {
                  return v.ca_certificate_refs.empty() || v.well_known_ca_certificates.empty();
                })
          .rule("must specify either CACertificateRefs or WellKnownCACertificates", [](const V& v) {
            return !v.ca_certificate_refs.empty() || !v.well_known_ca_certificates.empty();
          });
  return description;
}

static bool same_target(const PolicyTargetRef& a, const PolicyTargetRef& b) {
  return a.group == b.group && a.kind == b.kind && a.name == b.name;
}

template <>
const Description& description<BackendTlsPolicy>() {
  using P = BackendTlsPolicy;
  static const Description description =
      Fields<P>()
          .required<&P::target_refs>("targetRefs", Bounds().items(1, 16))
          .required<&P::validation>("validation")
          .field<&P::options>("options",
                              Bounds().items(0, 16).length(0, 4096).no_effect("no option is known"))
          .rule_at("targetRefs",
                   "sectionName must be specified when targetRefs includes 2 or more references to "
                   "the same target",
                   [](const P& p) {
                     for (const PolicyTargetRef& a : p.target_refs) {
                       for (const PolicyTargetRef& b : p.target_refs) {
                         if (same_target(a, b) &&
                             a.section_name.has_value() != b.section_name.has_value()) {
                           return false;
                         }
                       }
                     }
                     return true;
                   })
          .rule_at("targetRefs",
                   "sectionName must be unique when targetRefs includes 2 or more references to "
                   "the same target",
                   [](const P& p) {
                     for (const PolicyTargetRef& a : p.target_refs) {
                       for (const PolicyTargetRef& b : p.target_refs) {
                         if (&a != &b && a == b) return false;
                       }
                     }
                     return true;
                   });
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
