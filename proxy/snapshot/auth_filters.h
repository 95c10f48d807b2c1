#pragma once

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "proxy/snapshot/header_value.h"

/// Filters that ask who a client is and whether it may come in. Part of filters.h.
namespace tidegate::proxy {

/// One text against another; `kRegex` is RE2's, over the whole text. Source: Envoy StringMatcher.
struct TextMatch {
  enum class Kind { kExact, kPrefix, kSuffix, kContains, kRegex };
  Kind kind = Kind::kExact;
  std::string value;
  bool ignore_case = false;  // has no effect on kRegex
  bool operator==(const TextMatch&) const = default;
};
BOOST_DESCRIBE_ENUM(TextMatch::Kind, kExact, kPrefix, kSuffix, kContains, kRegex)
BOOST_DESCRIBE_STRUCT(TextMatch, (), (kind, value, ignore_case))

/// Whether the client's address may come in: the longest range that holds it decides.
/// Source: kgateway TrafficPolicy.spec.acl.
struct IpAcl {
  struct Rule {
    std::string name;                // empty: told as "rule"
    std::vector<std::string> cidrs;  // each one that base/cidr.h reads
    bool deny = false;
    bool operator==(const Rule&) const = default;
  };
  bool deny = false;  // what no rule speaks of
  std::vector<Rule> rules;
  int status = 403;                  // of a denial
  std::vector<HeaderValue> headers;  // of a denial
  std::string blocked_by_header;     // that gets the rule's name; empty: none
  bool operator==(const IpAcl&) const = default;
};
BOOST_DESCRIBE_STRUCT(IpAcl::Rule, (), (name, cidrs, deny))
BOOST_DESCRIBE_STRUCT(IpAcl, (), (deny, rules, status, headers, blocked_by_header))

/// A request that changes something must come from a page of the host that it goes to.
/// Source: kgateway TrafficPolicy.spec.csrf; Envoy's csrf filter.
struct Csrf {
  std::uint32_t enabled_percent = 0;       // of requests that it refuses
  std::uint32_t shadow_percent = 0;        // of requests that it only counts
  std::vector<TextMatch> allowed_origins;  // besides the host itself; without their scheme
  bool operator==(const Csrf&) const = default;
};
BOOST_DESCRIBE_STRUCT(Csrf, (), (enabled_percent, shadow_percent, allowed_origins))

/// Source: kgateway TrafficPolicy.spec.basicAuth; Envoy's basic_auth filter.
struct BasicAuth {
  struct User {
    std::string name;
    Secret sha1;  // of the password, 20 bytes
    bool operator==(const User&) const = default;
  };
  std::vector<User> users;  // names differ
  bool operator==(const BasicAuth&) const = default;
};
BOOST_DESCRIBE_STRUCT(BasicAuth::User, (), (name, sha1))
BOOST_DESCRIBE_STRUCT(BasicAuth, (), (users))

/// Source: kgateway TrafficPolicy.spec.apiKeyAuth; Envoy's api_key_auth filter.
struct ApiKeyAuth {
  /// The first of header, query parameter and cookie that the request has; empty ones are not
  /// looked at.
  struct KeySource {
    std::string header;  // lower case
    std::string query;
    std::string cookie;
    bool operator==(const KeySource&) const = default;
  };
  struct Credential {
    std::string client;
    Secret key;
    bool operator==(const Credential&) const = default;
  };
  std::vector<KeySource> sources;  // at least one; the first that gives a key is taken
  std::vector<Credential> credentials;
  bool forward_credential = false;
  std::string client_id_header;  // lower case; empty: none
  bool operator==(const ApiKeyAuth&) const = default;
};
BOOST_DESCRIBE_STRUCT(ApiKeyAuth::KeySource, (), (header, query, cookie))
BOOST_DESCRIBE_STRUCT(ApiKeyAuth::Credential, (), (client, key))
BOOST_DESCRIBE_STRUCT(ApiKeyAuth, (), (sources, credentials, forward_credential, client_id_header))

/// Where a service of ours is asked: by a cluster of the snapshot, with this URL.
struct HttpUri {
  std::string cluster;
  std::string scheme;     // "http", "https"
  std::string authority;  // of the request
  std::string path;       // with its query
  bool operator==(const HttpUri&) const = default;
};
BOOST_DESCRIBE_STRUCT(HttpUri, (), (cluster, scheme, authority, path))

/// A key set behind a URL, fetched when it is first needed and again before it expires.
/// Source: kgateway RemoteJWKS.
struct RemoteKeys {
  HttpUri uri;                    // authority empty: the issuer is asked where its keys are
  std::string issuer;             // of an OpenID provider; with an empty authority
  std::string discovery_cluster;  // that asks it
  std::chrono::milliseconds cache_duration{std::chrono::minutes(5)};
  std::chrono::milliseconds failed_refetch{std::chrono::seconds(1)};  // before a failed fetch is
                                                                      // made anew
  int retries = 0;                                                    // within one fetch
  std::chrono::milliseconds backoff{std::chrono::seconds(1)};         // doubles, up to:
  std::chrono::milliseconds backoff_max{std::chrono::seconds(10)};
  bool operator==(const RemoteKeys&) const = default;
};
BOOST_DESCRIBE_STRUCT(RemoteKeys, (),
                      (uri, issuer, discovery_cluster, cache_duration, failed_refetch, retries,
                       backoff, backoff_max))

/// Source: kgateway GatewayExtension.spec.jwt; Envoy's jwt_authn filter.
struct JwtAuth {
  struct HeaderSource {
    std::string name;    // lower case
    std::string prefix;  // before the token
    bool operator==(const HeaderSource&) const = default;
  };
  struct Claim {
    std::string name;    // dots lead into objects
    std::string header;  // lower case
    bool operator==(const Claim&) const = default;
  };
  struct Provider {
    std::string name;
    std::string issuer;                  // empty: any
    std::vector<std::string> audiences;  // empty: any
    // All three empty: "Authorization: Bearer" and the parameter access_token.
    std::vector<HeaderSource> from_headers;
    std::vector<std::string> from_params;
    std::vector<std::string> from_cookies;
    std::vector<Claim> claims;
    bool forward = false;              // the token goes on to the backend
    std::string metadata_key;          // in envoy.filters.http.jwt_authn
    Secret keys;                       // as somebody wrote them down; a symmetric one is secret
    std::optional<RemoteKeys> remote;  // instead of `keys`
    bool operator==(const Provider&) const = default;
  };
  std::vector<Provider> providers;
  bool all = false;            // every provider must be satisfied; else one of them
  bool allow_missing = false;  // a request without any token goes on
  bool operator==(const JwtAuth&) const = default;
};
BOOST_DESCRIBE_STRUCT(JwtAuth::HeaderSource, (), (name, prefix))
BOOST_DESCRIBE_STRUCT(JwtAuth::Claim, (), (name, header))
BOOST_DESCRIBE_STRUCT(JwtAuth::Provider, (),
                      (name, issuer, audiences, from_headers, from_params, from_cookies, claims,
                       forward, metadata_key, keys, remote))
BOOST_DESCRIBE_STRUCT(JwtAuth, (), (providers, all, allow_missing))

/// The authorization code flow. Source: kgateway GatewayExtension.spec.oauth2; Envoy's oauth2
/// filter; RFC 6749, RFC 7636, OpenID Connect Core 1.0.
struct OAuth2 {
  struct HeaderCondition {
    std::string name;  // lower case
    std::string value;
    bool regex = false;
    bool operator==(const HeaderCondition&) const = default;
  };
  struct CookieNames {
    std::string access_token, id_token, refresh_token, hmac, expires, nonce, code_verifier;
    bool operator==(const CookieNames&) const = default;
  };
  HttpUri token_endpoint;
  std::string authorization_endpoint;  // URL
  std::string end_session_endpoint;    // URL; empty: logout stays with us
  std::string issuer;                  // discovery asks it for the endpoints that are empty
  /// URL with Envoy's operators; one that is only a path is on the request's own scheme and host.
  std::string redirect_uri;
  std::string redirect_path;  // of redirect_uri: exact, without a query
  std::string logout_path;
  std::vector<std::string> scopes;
  std::string client_id;
  Secret client_secret;
  Secret hmac_secret;  // of cookies; empty: derived from client_secret
  CookieNames cookies;
  std::string cookie_domain;  // empty: the host
  std::string same_site;      // "Lax", "Strict", "None"; empty: not said
  bool access_token_cookie = true;
  bool id_token_cookie = true;
  bool refresh_token_cookie = true;
  bool forward_access_token = false;
  std::vector<HeaderCondition> deny_redirect;  // one that holds: 401 in the place of a redirect
  bool operator==(const OAuth2&) const = default;
};
BOOST_DESCRIBE_STRUCT(OAuth2::HeaderCondition, (), (name, value, regex))
BOOST_DESCRIBE_STRUCT(OAuth2::CookieNames, (),
                      (access_token, id_token, refresh_token, hmac, expires, nonce, code_verifier))
BOOST_DESCRIBE_STRUCT(OAuth2, (),
                      (token_endpoint, authorization_endpoint, end_session_endpoint, issuer,
                       redirect_uri, redirect_path, logout_path, scopes, client_id, client_secret,
                       hmac_secret, cookies, cookie_domain, same_site, access_token_cookie,
                       id_token_cookie, refresh_token_cookie, forward_access_token, deny_redirect))

}  // namespace tidegate::proxy
