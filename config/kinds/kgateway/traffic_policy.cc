// Fields marked unserved() are decoded and do nothing yet; see rules.h for how the mark goes.
#include "config/kinds/kgateway/traffic_policy.h"

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/patterns.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(RetryOn) {
  static const std::vector<std::string_view> names{"5xx",
                                                   "gateway-error",
                                                   "reset",
                                                   "reset-before-request",
                                                   "connect-failure",
                                                   "envoy-ratelimited",
                                                   "retriable-4xx",
                                                   "refused-stream",
                                                   "retriable-status-codes",
                                                   "http3-post-connect-failure",
                                                   "cancelled",
                                                   "deadline-exceeded",
                                                   "internal",
                                                   "resource-exhausted",
                                                   "unavailable"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<CorsPolicy>() {
  using C = CorsPolicy;
  static const Description description = [] {
    Fields<C> f;
    add_cors(f);
    f.field<&C::disable>("disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<Timeouts>() {
  using T = Timeouts;
  static const Description description =
      Fields<T>().field<&T::request>("request").field<&T::stream_idle>("streamIdle");
  return description;
}

template <>
const Description& description<Retry>() {
  using R = Retry;
  static const Description description =
      Fields<R>()
          .field<&R::retry_on>("retryOn", Bounds().items(1, SIZE_MAX))
          .field<&R::attempts>("attempts", Bounds().at_least(0))
          .field<&R::per_try_timeout>("perTryTimeout", positive_duration())
          .field<&R::status_codes>("statusCodes", Bounds().items(1, SIZE_MAX).range(400, 599))
          .field<&R::backoff_base_interval>("backoffBaseInterval",
                                            positive_duration().doc("absent: 25ms"))
          .rule("retryOn or statusCodes must be set.",
                [](const R& r) { return count_present<R, &R::retry_on, &R::status_codes>(r) > 0; });
  return description;
}

template <class V>
static bool all_differ(const std::vector<V>& list) {
  for (auto a = list.begin(); a != list.end(); ++a) {
    if (std::find(list.begin(), a, *a) != a) return false;
  }
  return true;
}

static bool are_redirects(const std::vector<int>& codes) {
  return std::all_of(codes.begin(), codes.end(), [](int code) {
    return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
  });
}

template <>
const Description& description<InternalRedirect>() {
  using R = InternalRedirect;
  static const Description description =
      Fields<R>()
          .field<&R::redirect_response_codes>("redirectResponseCodes",
                                              Bounds().items(1, 5).doc("absent: 302"))
          .field<&R::allow_cross_scheme_redirect>("allowCrossSchemeRedirect")
          .field<&R::response_headers_to_copy>(
              "responseHeadersToCopy", Bounds().items(1, 16).length(1, 256).pattern(kHeaderName))
          .field<&R::max_redirects>(
              "maxRedirects",
              Bounds().range(1, 4'294'967'295).doc("absent: 1; at most 32 are followed"))
          .rule_at("redirectResponseCodes",
                   "Unsupported value: supported values: \"301\", \"302\", \"303\", \"307\", "
                   "\"308\"",
                   [](const R& r) { return are_redirects(r.redirect_response_codes); })
          .rule_at("redirectResponseCodes", "redirectResponseCodes must not contain duplicates",
                   [](const R& r) { return all_differ(r.redirect_response_codes); })
          .rule_at("responseHeadersToCopy", "responseHeadersToCopy must not contain duplicates",
                   [](const R& r) { return all_differ(r.response_headers_to_copy); });
  return description;
}

template <>
const Description& description<UrlRewrite::PathRegex>() {
  using P = UrlRewrite::PathRegex;
  static const Description description =
      Fields<P>()
          .required<&P::pattern>("pattern", Bounds().length(1, 1024).doc("RE2"))
          .required<&P::substitution>("substitution",
                                      Bounds().length(1, 1024).doc("\\1 stands for a group"));
  return description;
}

template <>
const Description& description<UrlRewrite>() {
  using R = UrlRewrite;
  static const Description description = [] {
    Fields<R> f;
    f.field<&R::path_regex>("pathRegex");
    at_least_one<&R::path_regex>(f, "pathRegex");
    return f;
  }();
  return description;
}

template <>
const Description& description<RouteTracing>() {
  using T = RouteTracing;
  static const Description description =
      Fields<T>()
          .field<&T::client_sampling>("clientSampling", percent())
          .field<&T::random_sampling>("randomSampling", percent())
          .field<&T::overall_sampling>("overallSampling", percent())
          .field<&T::attributes>("attributes", Bounds().items(0, 16))
          .field<&T::disable>("disable")
          .rule("disable is mutually exclusive with other tracing fields", [](const T& t) {
            return !t.disable || count_present<T, &T::client_sampling, &T::random_sampling,
                                               &T::overall_sampling, &T::attributes>(t) == 0;
          });
  return description;
}

template <>
const Description& description<MirrorSettings>() {
  using M = MirrorSettings;
  static const Description description =
      Fields<M>()
          .field<&M::disable_shadow_host_suffix_append>(
              "disableShadowHostSuffixAppend",
              Bounds().doc("no suffix is appended, whatever it says"))
          .field<&M::host_rewrite_literal>("hostRewriteLiteral", Bounds().length(1, SIZE_MAX))
          .rule("at least one of the fields must be set", [](const M& m) {
            return m.disable_shadow_host_suffix_append || m.host_rewrite_literal;
          });
  return description;
}

template <class Targets>
static bool may_be_targeted(const Targets& targets) {
  return std::all_of(targets.begin(), targets.end(), [](const auto& t) {
    return t.kind == "Gateway" || t.kind == "HTTPRoute" || t.kind == "GRPCRoute" ||
           t.kind.ends_with("ListenerSet");
  });
}

static bool only_http_routes(const TrafficPolicy& p) {
  return only_kinds(p.target_refs, {"HTTPRoute"}) && only_kinds(p.target_selectors, {"HTTPRoute"});
}
static bool only_routes(const TrafficPolicy& p) {
  return only_kinds(p.target_refs, {"HTTPRoute", "GRPCRoute"}) &&
         only_kinds(p.target_selectors, {"HTTPRoute", "GRPCRoute"});
}

static void add_rules(Fields<TrafficPolicy>& f) {
  using P = TrafficPolicy;
  f.rule_at("targetRefs",
            "targetRefs may only reference Gateway, HTTPRoute, GRPCRoute, or ListenerSet resources",
            [](const P& p) { return may_be_targeted(p.target_refs); })
      .rule_at("targetSelectors",
               "targetSelectors may only reference Gateway, HTTPRoute, GRPCRoute, or ListenerSet "
               "resources",
               [](const P& p) { return may_be_targeted(p.target_selectors); })
      .rule("autoHostRewrite can only be used when targeting HTTPRoute resources",
            [](const P& p) { return !p.auto_host_rewrite || only_http_routes(p); })
      .rule("urlRewrite can only be used when targeting HTTPRoute resources",
            [](const P& p) { return !p.url_rewrite || only_http_routes(p); })
      .rule("tracing can only be used when targeting HTTPRoute or GRPCRoute resources",
            [](const P& p) { return !p.tracing || only_routes(p); })
      .rule("statPrefix can only be used when targeting HTTPRoute or GRPCRoute resources",
            [](const P& p) { return !p.stat_prefix || only_routes(p); })
      .rule("retry.perTryTimeout must be less than timeouts.request", [](const P& p) {
        return !p.retry || !p.timeouts || !p.retry->per_try_timeout || !p.timeouts->request ||
               *p.retry->per_try_timeout < *p.timeouts->request;
      });
}

template <>
const Description& description<TrafficPolicy>() {
  using P = TrafficPolicy;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::target_refs>("targetRefs", Bounds().items(1, 16))
        .field<&P::target_selectors>("targetSelectors")
        .field<&P::transformation>("transformation")
        .field<&P::ext_proc>("extProc")
        .field<&P::ext_auth>("extAuth")
        .field<&P::rate_limit>("rateLimit")
        .field<&P::cors>("cors")
        .field<&P::csrf>("csrf")
        .field<&P::header_modifiers>("headerModifiers")
        .field<&P::auto_host_rewrite>("autoHostRewrite")
        .field<&P::buffer>("buffer")
        .field<&P::timeouts>("timeouts")
        .field<&P::retry>("retry")
        .field<&P::internal_redirect>("internalRedirect")
        .field<&P::rbac>("rbac")
        .field<&P::jwt_auth>("jwtAuth")
        .field<&P::url_rewrite>("urlRewrite")
        .field<&P::compression>("compression")
        .field<&P::basic_auth>("basicAuth")
        .field<&P::api_key_auth>("apiKeyAuth")
        .field<&P::oauth2>("oauth2")
        .field<&P::tracing>("tracing")
        .field<&P::fault_injection>("faultInjection")
        .field<&P::acl>("acl")
        .field<&P::stat_prefix>("statPrefix", Bounds().length(1, 256).pattern(kStatPrefix))
        .field<&P::request_mirror>("requestMirror");
    add_rules(f);
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
