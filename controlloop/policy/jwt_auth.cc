#include "controlloop/policy/jwt_auth.h"

#include <fmt/format.h>

#include "base/jose/key_set.h"
#include "base/url.h"
#include "config/kinds/core/config_map.h"
#include "controlloop/policy/secrets.h"
#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {
namespace {

using config::kgateway::GatewayExtension;
using config::kgateway::Jwks;

constexpr const char* kConfigMapKey = "jwks";

/// Holds keys that somebody wrote down to what the proxy can use.
std::string take_keys(std::string_view text, proxy::JwtAuth::Provider& to) {
  const jose::ReadKeys read = jose::read_keys(text);
  if (!read.problem.empty()) return "its keys: " + read.problem;
  to.keys = Secret(std::string(text));
  return {};
}

std::string local_keys(const Jwks::Local& from, const GatewayExtension& extension,
                       FieldContext& context, proxy::JwtAuth::Provider& to) {
  if (from.inline_) return take_keys(from.inline_->reveal(), to);
  const std::string& name = from.config_map_ref ? from.config_map_ref->name : std::string();
  const auto* map = context.objects.find<config::ConfigMap>(extension.meta.namespace_, name);
  if (!map) return fmt::format("ConfigMap {}/{} does not exist", extension.meta.namespace_, name);
  const auto found = map->data.find(kConfigMapKey);
  if (found == map->data.end() || found->second.empty())
    return fmt::format("ConfigMap {}/{} has no key {}", extension.meta.namespace_, name,
                       kConfigMapKey);
  return take_keys(found->second, to);
}

std::string remote_keys(const Jwks::Remote& from, const GatewayExtension& extension,
                        FieldContext& context, proxy::RemoteKeys& to) {
  const References::Backend backend = context.references.backend(
      "GatewayExtension", extension.meta.namespace_, from.backend_ref, false);
  if (backend.cluster.empty()) return backend.problem;
  const std::optional<Url> url = parse_url(from.url);
  if (!url) return fmt::format("\"{}\" is no http or https URL", from.url);
  to.uri = {backend.cluster, url->scheme, url->authority, url->path};
  to.cache_duration = from.cache_duration;
  if (from.async_fetch && from.async_fetch->failed_refetch_duration)
    to.failed_refetch = *from.async_fetch->failed_refetch_duration;
  if (from.retry_policy) {
    to.retries = from.retry_policy->num_retries;
    if (from.retry_policy->back_off) {
      to.backoff = from.retry_policy->back_off->base_interval;
      to.backoff_max = from.retry_policy->back_off->max_interval.value_or(10 * to.backoff);
    }
  }
  return {};
}

}  // namespace

std::vector<proxy::JwtAuth::Claim> claims_of(
    const std::vector<config::kgateway::ClaimToHeader>& from) {
  std::vector<proxy::JwtAuth::Claim> out;
  for (const config::kgateway::ClaimToHeader& one : from)
    out.push_back({one.name, lower(one.header)});
  return out;
}

/// Source: kgateway TrafficPolicy.spec.jwtAuth, GatewayExtension.spec.jwt.
void make_jwt_auth(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::JwtAuth& from = *policy.jwt_auth;
  if (from.disable || !from.extension_ref) return;
  const char* const path = "spec.jwtAuth.extensionRef";
  const FoundExtension found = find_extension(context, *from.extension_ref);
  if (!found.extension) return context.error(path, "jwt: " + found.problem);
  const GatewayExtension& extension = *found.extension;
  const std::string called =
      fmt::format("GatewayExtension {}/{}", extension.meta.namespace_, extension.meta.name);
  if (!extension.jwt) return context.error(path, fmt::format("jwt: {} has no spec.jwt", called));
  proxy::JwtAuth to;
  to.allow_missing =
      extension.jwt->validation_mode == config::kgateway::JwtProviders::Mode::kAllowMissing;
  for (std::size_t i = 0; i < extension.jwt->providers.size(); ++i) {
    const config::kgateway::JwtProvider& provider = extension.jwt->providers[i];
    proxy::JwtAuth::Provider& one = to.providers.emplace_back();
    one.name = provider.name;
    one.issuer = provider.issuer;
    one.audiences = provider.audiences;
    one.forward = provider.forward_token;
    one.metadata_key = "payload";
    one.claims = claims_of(provider.claims_to_headers);
    if (provider.token_source && provider.token_source->header)
      one.from_headers.push_back({lower(provider.token_source->header->header),
                                  provider.token_source->header->prefix.value_or("")});
    if (provider.token_source && provider.token_source->query_parameter)
      one.from_params.push_back(*provider.token_source->query_parameter);
    std::string problem = "it has no keys";
    std::string where = "jwks";
    if (provider.jwks.local) {
      where = "jwks.local";
      problem = local_keys(*provider.jwks.local, extension, context, one);
    } else if (provider.jwks.remote) {
      where = "jwks.remote";
      problem = remote_keys(*provider.jwks.remote, extension, context, one.remote.emplace());
    }
    if (!problem.empty()) {
      context.error_in("GatewayExtension", extension.meta,
                       fmt::format("spec.jwt.providers[{}].{}", i, where),
                       fmt::format("jwt: provider {} of {}: {}", provider.name, called, problem));
    }
  }
  if (to.providers.empty())
    return context.error(path, fmt::format("jwt: {} has no providers", called));
  context.add(kAtJwtAuth, std::move(to));
}

}  // namespace tidegate::controlloop::policy
