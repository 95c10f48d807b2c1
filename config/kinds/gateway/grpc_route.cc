#include "config/kinds/gateway/grpc_route.h"

#include "config/kinds/gateway/filter_rules.h"
#include "config/kinds/gateway/http_route_parts.h"

namespace tidegate::config {

static const std::vector<std::string_view>& enum_names(GrpcFilterType) {
  static const std::vector<std::string_view> names{
      "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "ExtensionRef"};
  return names;
}

namespace {

constexpr std::size_t kMatchesMax = 128;  // of all rules of a route

template <class T>
void add_grpc_filters(fields::Fields<T>& f) {
  using Type = GrpcFilterType;
  f.template field<&T::filters>("filters", fields::Bounds().items(0, 16));
  f.rule_at("filters", "RequestHeaderModifier filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kRequestHeaderModifier>(t.filters); });
  f.rule_at("filters", "ResponseHeaderModifier filter cannot be repeated",
            [](const T& t) { return at_most_once<Type::kResponseHeaderModifier>(t.filters); });
}

}  // namespace

namespace fields {

template <>
const Description& description<GrpcRouteFilter>() {
  using F = GrpcRouteFilter;
  using T = GrpcFilterType;
  static const Description description = [] {
    Fields<F> f;
    f.required<&F::type>("type");
    add_filter_member<F, &F::request_header_modifier, T::kRequestHeaderModifier>(
        f, "requestHeaderModifier", "RequestHeaderModifier");
    add_filter_member<F, &F::response_header_modifier, T::kResponseHeaderModifier>(
        f, "responseHeaderModifier", "ResponseHeaderModifier");
    add_filter_member<F, &F::request_mirror, T::kRequestMirror>(f, "requestMirror",
                                                                "RequestMirror");
    add_filter_member<F, &F::extension_ref, T::kExtensionRef>(
        f, "extensionRef", "ExtensionRef",
        Bounds().doc(
            "a TrafficPolicy or a DirectResponse; with another kind the rule answers 500"));
    return f;
  }();
  return description;
}

template <>
const Description& description<GrpcMethodMatch>() {
  using M = GrpcMethodMatch;
  static const Description description =
      Fields<M>()
          .field<&M::type>("type")
          .field<&M::service>("service", Bounds().length(0, 1024))
          .field<&M::method>("method", Bounds().length(0, 1024))
          .rule("One or both of 'service' or 'method' must be specified",
                [](const M& m) { return m.service || m.method; })
          .rule(
              "service must only contain valid characters (matching "
              "^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$)",
              [](const M& m) {
                return m.type != ValueMatchType::kExact || !m.service ||
                       kGrpcService.matches(*m.service);
              })
          .rule("method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$)",
                [](const M& m) {
                  return m.type != ValueMatchType::kExact || !m.method ||
                         kGrpcMethod.matches(*m.method);
                });
  return description;
}

template <>
const Description& description<GrpcRouteMatch>() {
  static const Description description =
      Fields<GrpcRouteMatch>()
          .field<&GrpcRouteMatch::method>("method")
          .field<&GrpcRouteMatch::headers>("headers", Bounds().items(0, 16));
  return description;
}

template <>
const Description& description<GrpcBackendRef>() {
  static const Description description = [] {
    Fields<GrpcBackendRef> f;
    add_backend_ref(f);
    f.field<&GrpcBackendRef::weight>("weight", Bounds().range(0, 1'000'000));
    add_grpc_filters(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<GrpcRouteRule>() {
  using R = GrpcRouteRule;
  static const Description description = [] {
    Fields<R> f;
    f.field<&R::name>("name", section_bounds());
    f.field<&R::matches>("matches", Bounds().items(0, 64));
    add_grpc_filters(f);
    f.field<&R::backend_refs>("backendRefs", Bounds().items(0, 16));
    f.field<&R::session_persistence>("sessionPersistence");
    return f;
  }();
  return description;
}

template <>
const Description& description<GrpcRoute>() {
  using R = GrpcRoute;
  static const Description description = [] {
    Fields<R> f;
    add_parent_refs(f);
    f.field<&R::hostnames>("hostnames", hostname_bounds().items(0, 16));
    f.field<&R::rules>("rules", Bounds().items(0, 16));
    f.rule_at("rules",
              "While 16 rules and 64 matches per rule are allowed, the total number of matches "
              "across all rules in a route must be less than 128",
              [](const R& route) {
                std::size_t matches = 0;
                for (const GrpcRouteRule& rule : route.rules) matches += rule.matches.size();
                return matches <= kMatchesMax;
              });
    f.rule_at("rules", "Rule name must be unique within the route",
              [](const R& route) { return rule_names_are_unique(route.rules); });
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
