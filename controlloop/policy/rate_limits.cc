#include <fmt/format.h>

#include "controlloop/policy/gateway_extension.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

using Entry = config::kgateway::RateLimit::Entry;

/// Keys are those that Envoy's actions give.
proxy::RateLimitEntry entry(const Entry& from) {
  using Kind = proxy::RateLimitEntry::Kind;
  switch (from.type) {
    case Entry::Type::kGeneric:
      return {Kind::kGeneric, from.generic ? from.generic->key : "",
              from.generic ? from.generic->value : ""};
    case Entry::Type::kHeader:
      return {Kind::kHeader, from.header.value_or(""), lower(from.header.value_or(""))};
    case Entry::Type::kRemoteAddress:
      return {Kind::kRemoteAddress, "remote_address", ""};
    case Entry::Type::kPath:
      break;
  }
  return {Kind::kPath, "path", ""};
}

}  // namespace

void make_local_rate_limit(const TrafficPolicy& policy, FieldContext& context) {
  const auto& from = *policy.rate_limit->local;
  if (!from.token_bucket) return;  // whatever stands above: no limit here
  proxy::LocalRateLimit to;
  using Scope = proxy::LocalRateLimit::Scope;
  to.name = display_name(context.meta());
  to.scope = context.place == Level::Place::kRoute      ? Scope::kMatch
             : context.place == Level::Place::kListener ? Scope::kVirtualHost
                                                        : Scope::kListener;
  to.tokens_max = static_cast<std::uint32_t>(from.token_bucket->max_tokens);
  to.tokens_per_fill = static_cast<std::uint32_t>(from.token_bucket->tokens_per_fill);
  to.fill_interval = from.token_bucket->fill_interval;
  to.percent_enabled = static_cast<std::uint32_t>(from.percent_enabled.value_or(100));
  to.percent_enforced = static_cast<std::uint32_t>(from.percent_enforced.value_or(100));
  context.add(kAtLocalRateLimit, std::move(to));
}

void make_global_rate_limit(const TrafficPolicy& policy, FieldContext& context) {
  constexpr std::string_view kPath = "spec.rateLimit.global.extensionRef";
  const auto& from = *policy.rate_limit->global;
  const FoundExtension found = find_extension(context, from.extension_ref);
  if (!found.extension) {
    context.error(kPath, found.problem);
    return;
  }
  const config::kgateway::GatewayExtension* extension = found.extension;
  if (!extension->rate_limit) {
    context.error(kPath, fmt::format("GatewayExtension {} has no rateLimit", extension->meta.name));
    return;
  }
  const config::kgateway::RateLimitProvider& provider = *extension->rate_limit;
  proxy::GlobalRateLimit to;
  to.service = grpc_service(provider.grpc_service, *extension, provider.timeout, kPath, context);
  to.domain = provider.domain;
  to.fail_open = provider.fail_open;
  to.tell_limits = provider.x_rate_limit_headers ==
                   config::kgateway::RateLimitProvider::Headers::kDraftVersion03;
  for (const auto& descriptor : from.descriptors) {
    proxy::RateLimitDescriptor& out = to.descriptors.emplace_back();
    for (const Entry& one : descriptor.entries) out.entries.push_back(entry(one));
  }
  context.add(kAtGlobalRateLimit, std::move(to));
}

}  // namespace tidegate::controlloop::policy
