#include "proxy/filters/oauth2_session.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "base/jose/base64.h"
#include "base/jose/jwt.h"
#include "proxy/filters/sealed.h"
#include "proxy/http/characters.h"
#include "proxy/http/cookies.h"

namespace tidegate::proxy::filters {
namespace {

constexpr Seconds kFlowTime{600};               // Envoy's, of nonce and code verifier
constexpr Seconds kRefreshTime{7 * 24 * 3600};  // where the refresh token does not say

std::string_view domain_of(const OAuth2& config, std::string_view host) {
  return config.cookie_domain.empty() ? host : std::string_view(config.cookie_domain);
}

/// Over everything that makes a session, so that no part of one fits into another.
std::string signature(const OAuth2& config, std::string_view host, const Tokens& tokens) {
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}", domain_of(config, host), tokens.expires.count(),
                  tokens.access, tokens.id, tokens.refresh);
  return jose::encode_base64(hmac_sha256(config.hmac_secret.reveal(), text));
}

std::string cookie(const OAuth2& config, std::string_view name, std::string_view value,
                   Seconds age) {
  return fmt::format("{}={}{}{};path=/;Max-Age={};secure;HttpOnly{}{}", name, value,
                     config.cookie_domain.empty() ? "" : ";domain=", config.cookie_domain,
                     age.count(), config.same_site.empty() ? "" : ";SameSite=", config.same_site);
}

std::string deleted(const OAuth2& config, std::string_view name) {
  // A browser lets a cookie with such a name be touched only with the attribute.
  const bool secure = name.starts_with("__Secure-") || name.starts_with("__Host-");
  return fmt::format("{}=deleted; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT{}{}{}", name,
                     config.cookie_domain.empty() ? "" : ";domain=", config.cookie_domain,
                     secure ? "; Secure" : "");
}

/// How long a token lives by its own word; `otherwise` where it is no JWT or does not say.
Seconds life(std::string_view token, Seconds now, Seconds otherwise) {
  jose::Jwt jwt;
  if (jose::parse(token, jwt) != jose::JwtStatus::kOk || !jwt.expires) return otherwise;
  const auto at = static_cast<std::uint64_t>(now.count());
  if (*jwt.expires <= at) return Seconds(0);
  constexpr std::uint64_t kYear = 366UL * 24 * 3600;
  return Seconds(static_cast<std::int64_t>(std::min(*jwt.expires - at, kYear)));
}

std::string csrf_token(const OAuth2& config, std::string_view flow, std::string_view url) {
  return fmt::format("{}.{}", flow,
                     jose::encode_base64url(hmac_sha256(config.hmac_secret.reveal(),
                                                        fmt::format("flow\n{}\n{}", flow, url))));
}

std::string flow_name(std::string_view base, std::string_view flow) {
  return fmt::format("{}.{}", base, flow);
}

}  // namespace

bool is_flow_cookie(const OAuth2& config, std::string_view name) {
  for (const std::string& base : {config.cookies.nonce, config.cookies.code_verifier}) {
    if (name == base || (name.starts_with(base) && name.substr(base.size()).starts_with('.')))
      return true;
  }
  return false;
}

bool is_session_cookie(const OAuth2& config, std::string_view name) {
  const OAuth2::CookieNames& names = config.cookies;
  return name == names.access_token || name == names.id_token || name == names.refresh_token ||
         name == names.hmac || name == names.expires;
}

Session read_session(const OAuth2& config, const http::Fields& fields, std::string_view host,
                     Seconds now) {
  const OAuth2::CookieNames& names = config.cookies;
  std::string_view access, id, refresh, hmac, expires;
  for (const http::Cookie& one : http::cookies(fields)) {
    if (one.name == names.access_token) access = one.value;
    if (one.name == names.id_token) id = one.value;
    if (one.name == names.refresh_token) refresh = one.value;
    if (one.name == names.hmac) hmac = one.value;
    if (one.name == names.expires) expires = one.value;
  }
  const std::string_view secret = config.hmac_secret.reveal();
  Session out;
  auto open = [secret](const std::string& name, std::string_view sealed) {
    return sealed.empty() ? std::string() : unseal(secret, name, sealed).value_or(std::string());
  };
  out.tokens.access = open(names.access_token, access);
  out.tokens.id = open(names.id_token, id);
  out.tokens.refresh = open(names.refresh_token, refresh);
  std::int64_t until = 0;
  const auto read = std::from_chars(expires.data(), expires.data() + expires.size(), until);
  if (expires.empty() || read.ec != std::errc() || read.ptr != expires.data() + expires.size())
    return out;
  out.tokens.expires = Seconds(until);
  out.valid = same(signature(config, host, out.tokens), hmac) && out.tokens.expires > now;
  return out;
}

std::vector<std::string> session_cookies(const OAuth2& config, const Tokens& tokens,
                                         std::string_view host, Seconds now) {
  const OAuth2::CookieNames& names = config.cookies;
  const Seconds age = tokens.expires - now;
  std::vector<std::string> out;
  out.push_back(cookie(config, names.hmac, signature(config, host, tokens), age));
  out.push_back(cookie(config, names.expires, std::to_string(tokens.expires.count()), age));
  auto add = [&](const std::string& name, const std::string& token, Seconds lives) {
    if (token.empty()) return;
    out.push_back(cookie(config, name, seal(config.hmac_secret.reveal(), name, token), lives));
  };
  add(names.access_token, tokens.access, age);
  add(names.id_token, tokens.id, life(tokens.id, now, age));
  add(names.refresh_token, tokens.refresh, life(tokens.refresh, now, kRefreshTime));
  return out;
}

Flow new_flow(const OAuth2& config, std::string_view url) {
  Flow out;
  out.id = hex(random_bytes(16));
  out.verifier = jose::encode_base64url(random_bytes(32));  // RFC 7636 section 4.1
  boost::json::object state;
  state["url"] = url;
  state["csrf_token"] = csrf_token(config, out.id, url);
  state["flow_id"] = out.id;
  out.state = jose::encode_base64url(boost::json::serialize(state));
  return out;
}

std::vector<std::string> flow_cookies(const OAuth2& config, const Flow& flow) {
  // The URL is in the state; the cookie needs the token alone, which is bound to it.
  const std::optional<std::string> state = jose::decode_base64url(flow.state);
  const std::string token(boost::json::parse(*state).at("csrf_token").as_string());
  const std::string nonce = flow_name(config.cookies.nonce, flow.id);
  const std::string verifier = flow_name(config.cookies.code_verifier, flow.id);
  return {cookie(config, nonce, token, kFlowTime),
          cookie(config, verifier, seal(config.hmac_secret.reveal(), verifier, flow.verifier),
                 kFlowTime)};
}

Returned read_flow(const OAuth2& config, const http::Fields& fields, std::string_view state) {
  Returned out;
  const std::optional<std::string> bytes = jose::decode_base64url(state);
  boost::system::error_code failed;
  const boost::json::value document =
      bytes ? boost::json::parse(*bytes, failed) : boost::json::value();
  std::string url, token, flow;
  if (const boost::json::object* object = failed ? nullptr : document.if_object()) {
    auto text = [object](std::string_view name) {
      const boost::json::value* value = object->if_contains(name);
      return value && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    url = text("url");
    token = text("csrf_token");
    flow = text("flow_id");
  }
  if (url.empty() || token.empty() || flow.empty() || !http::all_of(flow, http::kToken)) {
    out.problem = "State query param is not one of ours";
    return out;
  }
  const std::string_view kept = http::cookie(fields, flow_name(config.cookies.nonce, flow));
  if (!same(kept, token) || !same(csrf_token(config, flow, url), token)) {
    out.problem = "CSRF token validation failed";
    return out;
  }
  out.flow = flow;
  out.url = url;
  const std::string name = flow_name(config.cookies.code_verifier, flow);
  std::optional<std::string> verifier =
      unseal(config.hmac_secret.reveal(), name, http::cookie(fields, name));
  if (verifier) {
    out.verifier = std::move(*verifier);
  } else {
    out.problem = "Code verifier cookie is missing in the request";
  }
  return out;
}

std::vector<std::string> delete_flow(const OAuth2& config, std::string_view flow) {
  return {deleted(config, flow_name(config.cookies.nonce, flow)),
          deleted(config, flow_name(config.cookies.code_verifier, flow))};
}

std::vector<std::string> delete_all(const OAuth2& config, const http::Fields& fields) {
  const OAuth2::CookieNames& names = config.cookies;
  std::vector<std::string> out;
  for (const std::string& name :
       {names.hmac, names.access_token, names.id_token, names.refresh_token, names.expires})
    out.push_back(deleted(config, name));
  for (const http::Cookie& one : http::cookies(fields)) {
    if (is_flow_cookie(config, one.name) && http::all_of(one.name, http::kToken))
      out.push_back(deleted(config, one.name));
  }
  return out;
}

TokenAnswer read_token_answer(std::string_view body, Seconds now) {
  TokenAnswer out;
  boost::json::parse_options depth;
  depth.max_depth = 16;
  boost::system::error_code failed;
  const boost::json::value document = boost::json::parse(body, failed, {}, depth);
  const boost::json::object* object = failed ? nullptr : document.if_object();
  if (!object) {
    out.problem = "the token endpoint's answer is no JSON object";
    return out;
  }
  auto text = [object](std::string_view name) {
    const boost::json::value* value = object->if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  out.tokens.access = text("access_token");
  out.tokens.id = text("id_token");
  out.tokens.refresh = text("refresh_token");
  std::int64_t seconds = 0;
  if (const boost::json::value* value = object->if_contains("expires_in")) {
    if (value->is_int64()) seconds = value->get_int64();
    if (value->is_string()) {
      const std::string_view digits = value->get_string();
      std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    }
  }
  constexpr std::int64_t kYear = 366L * 24 * 3600;
  if (out.tokens.access.empty()) {
    out.problem = "the token endpoint's answer has no access_token";
  } else if (seconds <= 0) {
    out.problem = "the token endpoint's answer has no expires_in";
  }
  for (const std::string* token : {&out.tokens.access, &out.tokens.id, &out.tokens.refresh}) {
    if (!http::all_of(*token, http::kValue))
      out.problem = "the token endpoint's answer has a token that no header can carry";
  }
  out.tokens.expires = now + Seconds(std::min(seconds, kYear));
  return out;
}

}  // namespace tidegate::proxy::filters
