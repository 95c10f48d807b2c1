#include "config/kinds/kgateway/traffic_access.h"

#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/patterns.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(Authorization::Action) {
  static const std::vector<std::string_view> names{"Allow", "Deny"};
  return names;
}
static const std::vector<std::string_view>& enum_names(AclAction) {
  static const std::vector<std::string_view> names{"allow", "deny"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<ExtAuthPolicy>() {
  using P = ExtAuthPolicy;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::extension_ref>("extensionRef", Bounds().doc("a GatewayExtension with extAuth"))
        .field<&P::with_request_body>("withRequestBody")
        .field<&P::context_extensions>("contextExtensions")
        .field<&P::disable>("disable");
    exactly_one<&P::extension_ref, &P::disable>(f, "extensionRef disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<ExtProcPolicy>() {
  using P = ExtProcPolicy;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::extension_ref>("extensionRef", Bounds().doc("a GatewayExtension with extProc"))
        .field<&P::processing_mode>("processingMode")
        .field<&P::disable>("disable");
    exactly_one<&P::extension_ref, &P::disable>(f, "extensionRef disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<JwtAuth>() {
  using P = JwtAuth;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::extension_ref>("extensionRef", Bounds().doc("a GatewayExtension with jwt"))
        .field<&P::disable>("disable");
    exactly_one<&P::extension_ref, &P::disable>(f, "extensionRef disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<OAuth2Policy>() {
  using P = OAuth2Policy;
  static const Description description = Fields<P>().required<&P::extension_ref>(
      "extensionRef", Bounds().doc("a GatewayExtension with oauth2"));
  return description;
}

template <>
const Description& description<CsrfPolicy>() {
  using P = CsrfPolicy;
  static const Description description = [] {
    Fields<P> f;
    f.field<&P::percentage_enabled>("percentageEnabled", percent())
        .field<&P::percentage_shadowed>("percentageShadowed", percent())
        .field<&P::additional_origins>("additionalOrigins", Bounds().items(0, 16));
    at_most_one<&P::percentage_enabled, &P::percentage_shadowed>(
        f, "percentageEnabled percentageShadowed");
    return f;
  }();
  return description;
}

template <>
const Description& description<Authorization::Policy>() {
  using P = Authorization::Policy;
  static const Description description = Fields<P>().required<&P::match_expressions>(
      "matchExpressions", Bounds().items(1, 256).length(1, 16384).doc("CEL"));
  return description;
}

template <>
const Description& description<Authorization>() {
  using A = Authorization;
  static const Description description =
      Fields<A>().required<&A::policy>("policy").field<&A::action>("action");
  return description;
}

template <>
const Description& description<BasicAuth::HtpasswdRef>() {
  using R = BasicAuth::HtpasswdRef;
  static const Description description = Fields<R>()
                                             .required<&R::name>("name", name_bounds())
                                             .field<&R::namespace_>("namespace", namespace_bounds())
                                             .field<&R::key>("key", Bounds().length(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<BasicAuth>() {
  using B = BasicAuth;
  static const Description description = [] {
    Fields<B> f;
    f.field<&B::users>("users", Bounds().items(1, 256).doc("name:{SHA}hash each"))
        .field<&B::secret_ref>("secretRef")
        .field<&B::disable>("disable");
    exactly_one<&B::users, &B::secret_ref, &B::disable>(f, "users secretRef disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<ApiKeyAuth::Source>() {
  using S = ApiKeyAuth::Source;
  static const Description description = [] {
    Fields<S> f;
    f.field<&S::header>("header", Bounds().length(1, 256))
        .field<&S::query>("query", Bounds().length(1, 256))
        .field<&S::cookie>("cookie", Bounds().length(1, 256));
    at_least_one<&S::header, &S::query, &S::cookie>(f, "header query cookie");
    return f;
  }();
  return description;
}

template <>
const Description& description<ApiKeyAuth::Selector>() {
  using S = ApiKeyAuth::Selector;
  static const Description description = Fields<S>().required<&S::match_labels>("matchLabels");
  return description;
}

template <>
const Description& description<ApiKeyAuth>() {
  using A = ApiKeyAuth;
  static const Description description = [] {
    Fields<A> f;
    f.field<&A::key_sources>("keySources", Bounds().items(0, 16).doc("absent: the header api-key"))
        .field<&A::forward_credential>("forwardCredential")
        .field<&A::client_id_header>("clientIdHeader")
        .field<&A::secret_ref>("secretRef")
        .field<&A::secret_selector>("secretSelector")
        .field<&A::disable>("disable");
    exactly_one<&A::secret_ref, &A::secret_selector, &A::disable>(
        f, "secretRef secretSelector disable");
    return f;
  }();
  return description;
}

template <>
const Description& description<AclPolicy::Rule>() {
  using R = AclPolicy::Rule;
  static const Description description =
      Fields<R>()
          .field<&R::name>("name", Bounds().length(0, 256))
          .required<&R::cidrs>("cidrs", Bounds().items(1, 256).pattern(kIpOrCidr))
          .required<&R::action>("action");
  return description;
}

template <>
const Description& description<AclPolicy::Header>() {
  using H = AclPolicy::Header;
  static const Description description =
      Fields<H>()
          .required<&H::name>("name", Bounds().length(1, 256))
          .required<&H::value>("value", Bounds().length(0, 4096));
  return description;
}

template <>
const Description& description<AclPolicy::DenyResponse>() {
  using D = AclPolicy::DenyResponse;
  static const Description description = [] {
    Fields<D> f;
    f.field<&D::status_code>("statusCode", Bounds().range(100, 599).doc("absent: 403"))
        .field<&D::headers>("headers", Bounds().items(0, 16))
        .field<&D::blocked_by_header_name>("blockedByHeaderName", Bounds().length(1, 256));
    at_least_one<&D::status_code, &D::headers, &D::blocked_by_header_name>(
        f, "statusCode headers blockedByHeaderName");
    return f;
  }();
  return description;
}

template <>
const Description& description<AclPolicy>() {
  using P = AclPolicy;
  static const Description description = Fields<P>()
                                             .required<&P::default_action>("defaultAction")
                                             .field<&P::rules>("rules", Bounds().items(0, 256))
                                             .field<&P::deny_response>("denyResponse");
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
