#include <fmt/format.h>

#include <algorithm>

#include "base/url.h"
#include "controlloop/policy/jwt_auth.h"
#include "controlloop/policy/secrets.h"
#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/format/format.h"
#include "proxy/format/problem.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {
namespace {

using config::kgateway::GatewayExtension;
using config::kgateway::OAuth2Provider;

constexpr const char* kClientSecretKey = "client-secret";
constexpr const char* kDefaultRedirect = "/oauth2/redirect";
/// How kgateway writes "the scheme and host of the request".
constexpr std::string_view kOwnHost = "%REQ(x-forwarded-proto)%://%REQ(:authority)%/";

/// Names are told apart by the extension, since several may protect one host. (FNV-1a)
std::string suffix(const config::Meta& meta) {
  std::uint32_t hash = 2166136261U;
  for (const char c : meta.namespace_ + "/" + meta.name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return fmt::format("{:08x}", hash);
}

proxy::OAuth2::CookieNames cookie_names(const OAuth2Provider& from, const config::Meta& meta) {
  const std::string end = "-" + suffix(meta);
  proxy::OAuth2::CookieNames out{
      "AccessToken" + end,  "IdToken" + end,    "RefreshToken" + end,     "OauthHMAC" + end,
      "OauthExpires" + end, "OauthNonce" + end, "OauthCodeVerifier" + end};
  if (from.cookies && from.cookies->names) {
    out.access_token = from.cookies->names->access_token.value_or(out.access_token);
    out.id_token = from.cookies->names->id_token.value_or(out.id_token);
  }
  return out;
}

/// One extension on its way into the snapshot. Problems are told where they stand in it.
class Reader {
 public:
  Reader(FieldContext& context, const GatewayExtension& extension)
      : context_(context), extension_(extension), from_(*extension.oauth2) {}

  void read() {
    client();
    endpoints();
    redirect();
    cookies();
    to_.scopes = from_.scopes;
    to_.logout_path = from_.logout_path;
    to_.forward_access_token = from_.forward_access_token;
    deny_redirect();
    if (to_.logout_path == to_.redirect_path)
      wrong("logoutPath", "it is the path of redirectURI as well");
    context_.add(kAtOAuth2, to_);
    if (from_.jwt) tokens();
  }

 private:
  void wrong(const std::string& field, std::string_view message) {
    context_.error_in(
        "GatewayExtension", extension_.meta, "spec.oauth2." + field,
        fmt::format("oauth2: GatewayExtension {}/{}: {}: {}", extension_.meta.namespace_,
                    extension_.meta.name, field, message));
  }

  void client() {
    to_.client_id = from_.credentials.client_id;
    const std::string& name = from_.credentials.client_secret_ref.name;
    const FoundSecret found =
        find_secret(context_, "GatewayExtension", extension_.meta.namespace_, std::nullopt, name);
    if (!found.secret) return wrong("credentials.clientSecretRef", found.problem);
    const auto data = found.secret->data.find(kClientSecretKey);
    if (data == found.secret->data.end() || data->second.empty())
      return wrong("credentials.clientSecretRef",
                   fmt::format("Secret {}/{} has no key {}", found.secret->meta.namespace_, name,
                               kClientSecretKey));
    to_.client_secret = data->second;
  }

  void endpoints() {
    const config::BackendRef& ref = from_.backend_ref;
    const References::Backend backend = context_.references.backend(
        "GatewayExtension", extension_.meta.namespace_,
        {ref.group, ref.kind, ref.name, ref.namespace_, ref.port}, false);
    if (backend.cluster.empty()) return wrong("backendRef", backend.problem);
    to_.token_endpoint.cluster = backend.cluster;
    to_.issuer = from_.issuer_uri.value_or("");
    to_.authorization_endpoint = from_.authorization_endpoint.value_or("");
    to_.end_session_endpoint = from_.end_session_endpoint.value_or("");
    if (from_.token_endpoint) {
      if (const std::optional<Url> url = parse_url(*from_.token_endpoint)) {
        to_.token_endpoint = {backend.cluster, url->scheme, url->authority, url->path};
      } else {
        wrong("tokenEndpoint", "it is no URL");
      }
    }
    if (to_.issuer.empty() && (!from_.token_endpoint || !from_.authorization_endpoint))
      wrong("issuerURI", "it is needed where tokenEndpoint or authorizationEndpoint is not given");
    const bool openid =
        std::find(from_.scopes.begin(), from_.scopes.end(), "openid") != from_.scopes.end();
    if (!to_.end_session_endpoint.empty() && !openid)
      wrong("endSessionEndpoint", "it needs the scope openid");
  }

  void redirect() {
    to_.redirect_uri = from_.redirect_uri.value_or(kDefaultRedirect);
    if (to_.redirect_uri.starts_with(kOwnHost)) to_.redirect_uri.erase(0, kOwnHost.size() - 1);
    proxy::format::Problem problem;
    proxy::format::Format::compile(to_.redirect_uri, problem);
    if (problem) return wrong("redirectURI", problem.text());
    std::string_view path = to_.redirect_uri;
    if (!path.starts_with('/')) {
      const std::size_t scheme = path.find("://");
      if (scheme == path.npos) return wrong("redirectURI", "it is no URL");
      const std::size_t host = scheme + 3;
      const std::size_t slash = std::min(path.find('/', host), path.size());
      if (slash == host) return wrong("redirectURI", "it has no host");
      path.remove_prefix(slash);
    }
    path = path.substr(0, path.find_first_of("?#"));
    for (std::size_t i = 0; i < path.size(); ++i) {
      to_.redirect_path += path[i];
      if (path[i] != '%') continue;
      // The path that the browser comes back to has to be known before it does.
      if (path.substr(i, 2) != "%%") return wrong("redirectURI", "its path must have no operators");
      ++i;
    }
    if (to_.redirect_path.size() < 2) wrong("redirectURI", "it needs a path of its own");
  }

  void cookies() {
    to_.cookies = cookie_names(from_, extension_.meta);
    if (!from_.cookies) return;
    to_.cookie_domain = from_.cookies->domain.value_or("");
    if (from_.cookies->same_site) {
      static constexpr const char* kNames[] = {"Lax", "Strict", "None"};
      to_.same_site = kNames[static_cast<std::size_t>(*from_.cookies->same_site)];
    }
    to_.access_token_cookie = !from_.cookies->disable_access_token_set_cookie;
    to_.id_token_cookie = !from_.cookies->disable_id_token_set_cookie;
    to_.refresh_token_cookie = !from_.cookies->disable_refresh_token_set_cookie;
  }

  void deny_redirect() {
    if (!from_.deny_redirect) return;
    for (std::size_t i = 0; i < from_.deny_redirect->headers.size(); ++i) {
      const config::HttpValueMatch& header = from_.deny_redirect->headers[i];
      const bool regex = header.type == config::ValueMatchType::kRegularExpression;
      if (const std::string problem = regex ? regex_problem(header.value) : std::string();
          !problem.empty())
        wrong(fmt::format("denyRedirect.headers[{}].value", i), problem);
      to_.deny_redirect.push_back({lower(header.name), header.value, regex});
    }
  }

  /// The tokens themselves, verified behind the log-in.
  void tokens() {
    const OAuth2Provider::Tokens& from = *from_.jwt;
    proxy::RemoteKeys keys;
    keys.uri.cluster = to_.token_endpoint.cluster;
    if (from.jwks_backend_ref) {
      const References::Backend backend = context_.references.backend(
          "GatewayExtension", extension_.meta.namespace_, *from.jwks_backend_ref, false);
      if (backend.cluster.empty()) return wrong("jwt.jwksBackendRef", backend.problem);
      keys.uri.cluster = backend.cluster;
    }
    if (from.jwks_uri) {
      const std::optional<Url> url = parse_url(*from.jwks_uri);
      if (!url) return wrong("jwt.jwksURI", "it is no URL");
      keys.uri = {keys.uri.cluster, url->scheme, url->authority, url->path};
    } else {
      keys.issuer = to_.issuer;
      keys.discovery_cluster = to_.token_endpoint.cluster;
    }
    proxy::JwtAuth to;
    to.all = true;
    auto add = [&](const char* name, const std::string& cookie,
                   const std::optional<OAuth2Provider::TokenUse>& use) {
      if (!use) return;
      proxy::JwtAuth::Provider& one = to.providers.emplace_back();
      one.name = fmt::format("oauth2/{}", name);
      one.metadata_key = name;
      one.audiences = use->audiences;
      one.claims = claims_of(use->claims_to_headers);
      one.from_cookies = {cookie};
      one.remote = keys;
    };
    add("accessToken", to_.cookies.access_token, from.access_token);
    add("idToken", to_.cookies.id_token, from.id_token);
    if (to.providers.empty()) return;
    if (!from.jwks_uri && to_.issuer.empty())
      return wrong("jwt.jwksURI", "it is needed where issuerURI is not given");
    context_.add(kAtOAuth2Tokens, std::move(to));
  }

  FieldContext& context_;
  const GatewayExtension& extension_;
  const OAuth2Provider& from_;
  proxy::OAuth2 to_;
};

}  // namespace

/// Source: kgateway TrafficPolicy.spec.oauth2, GatewayExtension.spec.oauth2.
void make_oauth2(const TrafficPolicy& policy, FieldContext& context) {
  const char* const path = "spec.oauth2.extensionRef";
  const FoundExtension found = find_extension(context, policy.oauth2->extension_ref);
  if (!found.extension) return context.error(path, "oauth2: " + found.problem);
  if (!found.extension->oauth2)
    return context.error(path,
                         fmt::format("oauth2: GatewayExtension {}/{} has no spec.oauth2",
                                     found.extension->meta.namespace_, found.extension->meta.name));
  Reader(context, *found.extension).read();
}

}  // namespace tidegate::controlloop::policy
