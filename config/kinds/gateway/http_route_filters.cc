#include "config/kinds/gateway/filter_rules.h"
#include "config/kinds/gateway/http_route_parts.h"

namespace tidegate::config {

static const std::vector<std::string_view>& enum_names(HttpFilterType) {
  static const std::vector<std::string_view> names{"RequestHeaderModifier",
                                                   "ResponseHeaderModifier",
                                                   "RequestMirror",
                                                   "RequestRedirect",
                                                   "URLRewrite",
                                                   "ExtensionRef",
                                                   "CORS",
                                                   "ExternalAuth"};
  return names;
}
static const std::vector<std::string_view>& enum_names(HttpPathModifier::Type) {
  static const std::vector<std::string_view> names{"ReplaceFullPath", "ReplacePrefixMatch"};
  return names;
}
static const std::vector<std::string_view>& enum_names(HttpExternalAuth::Protocol) {
  static const std::vector<std::string_view> names{"HTTP", "GRPC"};
  return names;
}

bool star_is_alone(const std::vector<std::string>& list) {
  return list.size() < 2 || std::find(list.begin(), list.end(), "*") == list.end();
}

namespace fields {

template <>
const Description& description<HttpPathModifier>() {
  using P = HttpPathModifier;
  static const Description description =
      Fields<P>()
          .required<&P::type>("type")
          .field<&P::replace_full_path>("replaceFullPath", Bounds().length(0, 1024))
          .field<&P::replace_prefix_match>("replacePrefixMatch", Bounds().length(0, 1024))
          .rule(
              "replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
              [](const P& p) { return p.type != P::Type::kReplaceFullPath || p.replace_full_path; })
          .rule("type must be 'ReplaceFullPath' when replaceFullPath is set",
                [](const P& p) {
                  return !p.replace_full_path || p.type == P::Type::kReplaceFullPath;
                })
          .rule("replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch'",
                [](const P& p) {
                  return p.type != P::Type::kReplacePrefixMatch || p.replace_prefix_match;
                })
          .rule("type must be 'ReplacePrefixMatch' when replacePrefixMatch is set", [](const P& p) {
            return !p.replace_prefix_match || p.type == P::Type::kReplacePrefixMatch;
          });
  return description;
}

static bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

template <>
const Description& description<HttpRequestRedirect>() {
  using R = HttpRequestRedirect;
  static const Description description =
      Fields<R>()
          .field<&R::scheme>("scheme", Bounds().one_of({"http", "https"}))
          .field<&R::hostname>("hostname", section_bounds())
          .field<&R::path>("path")
          .field<&R::port>("port", port_bounds())
          .field<&R::status_code>("statusCode")
          .rule_at("statusCode",
                   "Unsupported value: supported values: \"301\", \"302\", \"303\", \"307\", "
                   "\"308\"",
                   [](const R& r) { return is_redirect(r.status_code); });
  return description;
}

template <>
const Description& description<HttpUrlRewrite>() {
  static const Description description =
      Fields<HttpUrlRewrite>()
          .field<&HttpUrlRewrite::hostname>("hostname", section_bounds())
          .field<&HttpUrlRewrite::path>("path");
  return description;
}

template <>
const Description& description<HttpCors>() {
  static const Description description = [] {
    Fields<HttpCors> f;
    add_cors(f);
    return f;
  }();
  return description;
}

template <>
const Description& description<HttpExternalAuth::Grpc>() {
  using G = HttpExternalAuth::Grpc;
  static const Description description =
      Fields<G>().field<&G::allowed_headers>("allowedHeaders", header_list_bounds());
  return description;
}

template <>
const Description& description<HttpExternalAuth::Http>() {
  using H = HttpExternalAuth::Http;
  static const Description description =
      Fields<H>()
          .field<&H::path>("path", Bounds().length(0, 1024).pattern(kPathCharacters))
          .field<&H::allowed_headers>("allowedHeaders", header_list_bounds())
          .field<&H::allowed_response_headers>("allowedResponseHeaders", header_list_bounds());
  return description;
}

template <>
const Description& description<HttpExternalAuth::ForwardBody>() {
  using F = HttpExternalAuth::ForwardBody;
  static const Description description =
      Fields<F>().field<&F::max_size>("maxSize", Bounds().range(0, 65535).doc("bytes"));
  return description;
}

template <>
const Description& description<HttpExternalAuth>() {
  using A = HttpExternalAuth;
  using P = A::Protocol;
  static const Description description =
      Fields<A>()
          .required<&A::protocol>("protocol")
          .required<&A::backend_ref>("backendRef")
          .field<&A::grpc>("grpc")
          .field<&A::http>("http")
          .field<&A::forward_body>("forwardBody")
          .rule("grpc must be specified when protocol is set to 'GRPC'",
                [](const A& a) { return a.protocol != P::kGrpc || a.grpc; })
          .rule("protocol must be 'GRPC' when grpc is set",
                [](const A& a) { return !a.grpc || a.protocol == P::kGrpc; })
          .rule("http must be specified when protocol is set to 'HTTP'",
                [](const A& a) { return a.protocol != P::kHttp || a.http; })
          .rule("protocol must be 'HTTP' when http is set",
                [](const A& a) { return !a.http || a.protocol == P::kHttp; });
  return description;
}

template <>
const Description& description<HttpRouteFilter>() {
  using F = HttpRouteFilter;
  using T = HttpFilterType;
  static const Description description = [] {
    Fields<F> f;
    f.required<&F::type>("type");
    add_filter_member<F, &F::cors, T::kCors>(f, "cors", "CORS");
    add_filter_member<F, &F::request_header_modifier, T::kRequestHeaderModifier>(
        f, "requestHeaderModifier", "RequestHeaderModifier");
    add_filter_member<F, &F::response_header_modifier, T::kResponseHeaderModifier>(
        f, "responseHeaderModifier", "ResponseHeaderModifier");
    add_filter_member<F, &F::request_mirror, T::kRequestMirror>(f, "requestMirror",
                                                                "RequestMirror");
    add_filter_member<F, &F::request_redirect, T::kRequestRedirect>(f, "requestRedirect",
                                                                    "RequestRedirect");
    add_filter_member<F, &F::url_rewrite, T::kUrlRewrite>(f, "urlRewrite", "URLRewrite");
    add_filter_member<F, &F::extension_ref, T::kExtensionRef>(
        f, "extensionRef", "ExtensionRef",
        Bounds().doc(
            "a TrafficPolicy or a DirectResponse; with another kind the rule answers 500"));
    add_filter_member<F, &F::external_auth, T::kExternalAuth>(f, "externalAuth", "ExternalAuth");
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
