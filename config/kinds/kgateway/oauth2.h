#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/http_route.h"
#include "config/kinds/kgateway/jwt.h"
#include "config/kinds/kgateway/shared.h"

namespace tidegate::config::kgateway {

/// Source: OAuth2Provider.
struct OAuth2Provider {
  enum class SameSite { kLax, kStrict, kNone };
  struct Credentials {
    std::string client_id;
    LocalName client_secret_ref;  // a Secret; its key "client-secret"
    bool operator==(const Credentials&) const = default;
  };
  struct CookieNames {
    std::optional<std::string> access_token;
    std::optional<std::string> id_token;
    bool operator==(const CookieNames&) const = default;
  };
  struct Cookies {
    std::optional<std::string> domain;
    std::optional<CookieNames> names;
    std::optional<SameSite> same_site;  // absent: Lax
    bool disable_access_token_set_cookie = false;
    bool disable_id_token_set_cookie = false;
    bool disable_refresh_token_set_cookie = false;
    bool operator==(const Cookies&) const = default;
  };
  struct TokenUse {
    std::vector<std::string> audiences;
    std::vector<ClaimToHeader> claims_to_headers;
    bool operator==(const TokenUse&) const = default;
  };
  struct Tokens {  // absent: the token is not looked into
    std::optional<std::string> jwks_uri;
    std::optional<BackendObjectRef> jwks_backend_ref;  // absent: that of the provider
    std::optional<TokenUse> access_token;
    std::optional<TokenUse> id_token;
    bool operator==(const Tokens&) const = default;
  };
  struct DenyRedirect {
    std::vector<HttpValueMatch> headers;
    bool operator==(const DenyRedirect&) const = default;
  };
  BackendRef backend_ref;
  std::optional<std::string> authorization_endpoint;
  std::optional<std::string> token_endpoint;
  std::optional<std::string> redirect_uri;  // absent: <scheme>://<host>/oauth2/redirect
  std::string logout_path = "/logout";
  bool forward_access_token = false;
  std::vector<std::string> scopes;  // empty: "user"
  Credentials credentials;
  std::optional<std::string> issuer_uri;
  std::optional<std::string> end_session_endpoint;
  std::optional<Cookies> cookies;
  std::optional<Tokens> jwt;
  std::optional<DenyRedirect> deny_redirect;  // what gets 401 instead of a redirect
  bool operator==(const OAuth2Provider&) const = default;
};

}  // namespace tidegate::config::kgateway
