#include "config/kinds/kgateway/oauth2.h"

#include "config/kinds/gateway/http_route_parts.h"
#include "config/kinds/kgateway/descriptions.h"
#include "config/kinds/kgateway/patterns.h"

namespace tidegate::config {
namespace kgateway {

static const std::vector<std::string_view>& enum_names(OAuth2Provider::SameSite) {
  static const std::vector<std::string_view> names{"Lax", "Strict", "None"};
  return names;
}

}  // namespace kgateway

namespace fields {
using namespace kgateway;

template <>
const Description& description<OAuth2Provider::Credentials>() {
  using C = OAuth2Provider::Credentials;
  static const Description description =
      Fields<C>()
          .required<&C::client_id>("clientID", Bounds().length(1, SIZE_MAX))
          .required<&C::client_secret_ref>("clientSecretRef",
                                           Bounds().doc("a Secret; its key \"client-secret\""));
  return description;
}

template <>
const Description& description<OAuth2Provider::CookieNames>() {
  using C = OAuth2Provider::CookieNames;
  static const Description description =
      Fields<C>()
          .field<&C::access_token>("accessToken", Bounds().length(1, SIZE_MAX))
          .field<&C::id_token>("idToken", Bounds().length(1, SIZE_MAX));
  return description;
}

template <>
const Description& description<OAuth2Provider::Cookies>() {
  using C = OAuth2Provider::Cookies;
  static const Description description =
      Fields<C>()
          .field<&C::domain>("domain", Bounds().length(1, 253).pattern(kCookieDomain))
          .field<&C::names>("names")
          .field<&C::same_site>("sameSite", Bounds().doc("absent: Lax"))
          .field<&C::disable_access_token_set_cookie>("disableAccessTokenSetCookie")
          .field<&C::disable_id_token_set_cookie>("disableIDTokenSetCookie")
          .field<&C::disable_refresh_token_set_cookie>("disableRefreshTokenSetCookie");
  return description;
}

template <>
const Description& description<OAuth2Provider::TokenUse>() {
  using T = OAuth2Provider::TokenUse;
  static const Description description =
      Fields<T>()
          .field<&T::audiences>("audiences", Bounds().items(1, 32))
          .field<&T::claims_to_headers>("claimsToHeaders", Bounds().items(1, 32));
  return description;
}

template <>
const Description& description<OAuth2Provider::Tokens>() {
  using T = OAuth2Provider::Tokens;
  static const Description description =
      Fields<T>()
          .field<&T::jwks_uri>("jwksURI", Bounds().pattern(kHttpsUri))
          .field<&T::jwks_backend_ref>("jwksBackendRef")
          .field<&T::access_token>("accessToken")
          .field<&T::id_token>("idToken");
  return description;
}

template <>
const Description& description<OAuth2Provider::DenyRedirect>() {
  using D = OAuth2Provider::DenyRedirect;
  static const Description description =
      Fields<D>().field<&D::headers>("headers", Bounds().items(1, 16));
  return description;
}

static void add_rules(Fields<OAuth2Provider>& f) {
  using P = OAuth2Provider;
  f.rule("Either issuerURI, or both authorizationEndpoint and tokenEndpoint must be specified",
         [](const P& p) { return p.issuer_uri || (p.authorization_endpoint && p.token_endpoint); })
      .rule("Either issuerURI or jwksURI must be specified for JWT parsing",
            [](const P& p) {
              return !p.jwt || (!p.jwt->access_token && !p.jwt->id_token) || p.issuer_uri ||
                     p.jwt->jwks_uri;
            })
      .rule("Access token cookie must not be disabled when the token should be parsed",
            [](const P& p) {
              return !p.jwt || !p.jwt->access_token || !p.cookies ||
                     !p.cookies->disable_access_token_set_cookie;
            })
      .rule("ID token cookie must not be disabled when the token should be parsed", [](const P& p) {
        return !p.jwt || !p.jwt->id_token || !p.cookies || !p.cookies->disable_id_token_set_cookie;
      });
}

template <>
const Description& description<OAuth2Provider>() {
  using P = OAuth2Provider;
  static const Description description = [] {
    const auto uri = [] { return Bounds().pattern(kHttpsUri); };
    Fields<P> f;
    f.required<&P::backend_ref>("backendRef")
        .field<&P::authorization_endpoint>("authorizationEndpoint", uri())
        .field<&P::token_endpoint>("tokenEndpoint", uri())
        .field<&P::redirect_uri>("redirectURI")
        .field<&P::logout_path>("logoutPath", Bounds().length(1, SIZE_MAX))
        .field<&P::forward_access_token>("forwardAccessToken")
        .field<&P::scopes>("scopes", Bounds().doc("absent: user"))
        .required<&P::credentials>("credentials")
        .field<&P::issuer_uri>("issuerURI", Bounds().pattern(kIssuerUri))
        .field<&P::end_session_endpoint>("endSessionEndpoint", uri())
        .field<&P::cookies>("cookies")
        .field<&P::jwt>("jwt")
        .field<&P::deny_redirect>("denyRedirect",
                                  Bounds().doc("what gets 401 instead of a redirect"));
    add_rules(f);
    return f;
  }();
  return description;
}

}  // namespace fields
}  // namespace tidegate::config
