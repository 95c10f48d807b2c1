#include "controlloop/policy/tracing.h"

#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

using To = proxy::SpanAttribute;
using From = config::kgateway::SpanAttribute;

To::From kind_of(From::Metadata::Kind kind) {
  switch (kind) {
    case From::Metadata::Kind::kRequest:
      return To::From::kRequestMetadata;
    case From::Metadata::Kind::kRoute:
      return To::From::kRouteMetadata;
    case From::Metadata::Kind::kCluster:
      return To::From::kClusterMetadata;
    case From::Metadata::Kind::kHost:
      return To::From::kHostMetadata;
  }
  return To::From::kRequestMetadata;
}

std::optional<std::uint32_t> percent(const std::optional<int>& from) {
  if (!from) return std::nullopt;
  return static_cast<std::uint32_t>(*from);
}

}  // namespace

std::vector<To> span_attributes(const std::vector<From>& from) {
  std::vector<To> out;
  for (const From& one : from) {
    To& to = out.emplace_back();
    to.name = one.name;
    if (one.literal) {
      to.value = one.literal->value;
    } else if (one.environment) {
      to.from = To::From::kEnvironment;
      to.value = one.environment->name;
      to.default_value = one.environment->default_value;
    } else if (one.request_header) {
      to.from = To::From::kRequestHeader;
      to.value = lower(one.request_header->name);
      to.default_value = one.request_header->default_value;
    } else if (one.metadata) {
      to.from = kind_of(one.metadata->kind);
      to.value = one.metadata->metadata_key.key;
      for (const From::Segment& segment : one.metadata->metadata_key.path)
        to.path.push_back(segment.key);
      to.default_value = one.metadata->default_value;
    }
  }
  return out;
}

void apply_tracing(const TrafficPolicy& policy, proxy::Rule& rule) {
  const config::kgateway::RouteTracing& from = *policy.tracing;
  proxy::RouteTracing& to = rule.tracing.emplace();
  to.disabled = from.disable.has_value();
  to.client_percent = percent(from.client_sampling);
  to.random_percent = percent(from.random_sampling);
  to.overall_percent = percent(from.overall_sampling);
  to.attributes = span_attributes(from.attributes);
}

}  // namespace tidegate::controlloop::policy
