#pragma once

#include "config/fields/fields.h"
#include "config/kinds/gateway/backend_tls_policy.h"
#include "config/kinds/gateway/gateway.h"
#include "config/kinds/gateway/gateway_class.h"
#include "config/kinds/gateway/grpc_route.h"
#include "config/kinds/gateway/http_route.h"
#include "config/kinds/gateway/listener_set.h"
#include "config/kinds/gateway/reference_grant.h"
#include "config/kinds/gateway/stream_routes.h"

/// The descriptions that several files need: the kinds, for the kind table, and what kinds share.
/// Source: the CRDs of Gateway API v1.6, experimental channel, CEL rules included.
namespace tidegate::config {

const std::vector<std::string_view>& enum_names(TlsMode);
const std::vector<std::string_view>& enum_names(FromNamespaces);
const std::vector<std::string_view>& enum_names(DefaultScope);
const std::vector<std::string_view>& enum_names(ValueMatchType);

namespace fields {

template <>
const Description& description<GatewayClass>();
template <>
const Description& description<Gateway>();
template <>
const Description& description<ListenerSet>();
template <>
const Description& description<HttpRoute>();
template <>
const Description& description<GrpcRoute>();
template <>
const Description& description<TlsRoute>();
template <>
const Description& description<TcpRoute>();
template <>
const Description& description<UdpRoute>();
template <>
const Description& description<BackendTlsPolicy>();
template <>
const Description& description<ReferenceGrant>();

template <>
const Description& description<ParentRef>();
template <>
const Description& description<BackendObjectRef>();
template <>
const Description& description<BackendRef>();
template <>
const Description& description<SecretRef>();
template <>
const Description& description<ObjectRef>();
template <>
const Description& description<LocalObjectRef>();
template <>
const Description& description<NamespaceChoice>();
template <>
const Description& description<ListenerSpec>();
template <>
const Description& description<HeaderModifier>();
template <>
const Description& description<RequestMirror>();
template <>
const Description& description<SessionPersistence>();

}  // namespace fields

// Bounds that many fields share.
inline fields::Bounds group_bounds() {
  return fields::Bounds().length(0, 253).pattern(fields::kGroup);
}
inline fields::Bounds kind_bounds() {
  return fields::Bounds().length(1, 63).pattern(fields::kKindName);
}
inline fields::Bounds name_bounds() { return fields::Bounds().length(1, 253); }
inline fields::Bounds namespace_bounds() {
  return fields::Bounds().length(1, 63).pattern(fields::kDnsLabel);
}
inline fields::Bounds section_bounds() {
  return fields::Bounds().length(1, 253).pattern(fields::kDnsSubdomain);
}
inline fields::Bounds port_bounds() { return fields::Bounds().range(1, 65535); }
inline fields::Bounds hostname_bounds() {
  return fields::Bounds().length(1, 253).pattern(fields::kWildcardHost);
}
inline fields::Bounds header_list_bounds() { return fields::Bounds().items(0, 64).unique(); }

/// Adds the fields and rules of a reference to a backend; T is BackendRef, what derives from it, or
/// BackendObjectRef.
template <class T>
void add_backend_ref(fields::Fields<T>& f) {
  f.template field<&T::group>("group", group_bounds());
  f.template field<&T::kind>("kind", kind_bounds());
  f.template required<&T::name>("name", name_bounds());
  f.template field<&T::namespace_>("namespace", namespace_bounds());
  f.template field<&T::port>("port", port_bounds());
  f.rule("Must have port for Service reference",
         [](const T& ref) { return !ref.group.empty() || ref.kind != "Service" || ref.port; });
}

/// Whether "*" is not beside others.
bool star_is_alone(const std::vector<std::string>& list);

/// Adds the fields and rules of CORS; T is HttpCors or what derives from it.
template <class T>
void add_cors(fields::Fields<T>& f) {
  using fields::Bounds;
  const auto names = [] {
    return header_list_bounds().length(1, 256).pattern(fields::kHeaderName);
  };
  f.template field<&T::allow_origins>(
      "allowOrigins", header_list_bounds().length(1, 253).pattern(fields::kCorsOrigin));
  f.template field<&T::allow_credentials>("allowCredentials");
  f.template field<&T::allow_methods>(
      "allowMethods",
      Bounds().items(0, 9).unique().one_of(
          {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"}));
  f.template field<&T::allow_headers>("allowHeaders", names());
  f.template field<&T::expose_headers>("exposeHeaders", names());
  f.template field<&T::max_age>("maxAge", Bounds().at_least(1).doc("seconds"));
  f.rule_at("allowOrigins", "AllowOrigins cannot contain '*' alongside other origins",
            [](const T& c) { return star_is_alone(c.allow_origins); });
  f.rule_at("allowMethods", "AllowMethods cannot contain '*' alongside other methods",
            [](const T& c) { return star_is_alone(c.allow_methods); });
  f.rule_at("allowHeaders", "AllowHeaders cannot contain '*' alongside other methods",
            [](const T& c) { return star_is_alone(c.allow_headers); });
}

/// Adds what every route has. Source: CommonRouteSpec.
template <class T>
void add_parent_refs(fields::Fields<T>& f);

bool parents_tell_sections(const std::vector<ParentRef>& refs);
bool parents_are_unique(const std::vector<ParentRef>& refs);

template <class T>
void add_parent_refs(fields::Fields<T>& f) {
  f.template field<&T::parent_refs>("parentRefs", fields::Bounds().items(0, 32));
  f.template field<&T::use_default_gateways>(
      "useDefaultGateways", fields::Bounds().no_effect("routes name their Gateways"));
  f.rule_at("parentRefs",
            "sectionName or port must be specified when parentRefs includes 2 or more references "
            "to the same parent",
            [](const T& route) { return parents_tell_sections(route.parent_refs); });
  f.rule_at("parentRefs",
            "sectionName or port must be unique when parentRefs includes 2 or more references to "
            "the same parent",
            [](const T& route) { return parents_are_unique(route.parent_refs); });
}

/// Whether every name that is not empty is there once.
template <class Rules>
bool rule_names_are_unique(const Rules& rules) {
  for (auto a = rules.begin(); a != rules.end(); ++a) {
    for (auto b = rules.begin(); b != a; ++b) {
      if (!a->name.empty() && a->name == b->name) return false;
    }
  }
  return true;
}

}  // namespace tidegate::config
