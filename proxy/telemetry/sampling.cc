#include "proxy/telemetry/sampling.h"

#include <charconv>

namespace tidegate::proxy::telemetry {
namespace {

constexpr std::size_t kDecisionAt = 14;
constexpr std::uint32_t kWhole = 10'000;

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

void pack(TraceReason reason, http::RequestHead& request, std::string_view id, Arena& arena) {
  char digit = '4';
  if (reason == TraceReason::kRandom) digit = '9';
  if (reason == TraceReason::kServiceForced) digit = 'a';
  if (reason == TraceReason::kClientForced) digit = 'b';
  if (id[kDecisionAt] == digit) return;
  char* copy = arena.allocate(id.size());
  id.copy(copy, id.size());
  copy[kDecisionAt] = digit;
  request.fields.set("x-request-id", {copy, id.size()});
}

}  // namespace

SamplingRates rates_of(const Tracing& tracing, const RouteTracing* route) {
  SamplingRates out{tracing.client_percent, tracing.random_percent, tracing.overall_percent};
  if (!route) return out;
  if (route->disabled) return {0, 0, 0};
  out.client = route->client_percent.value_or(out.client);
  out.random = route->random_percent.value_or(out.random);
  out.overall = route->overall_percent.value_or(out.overall);
  return out;
}

std::optional<std::uint32_t> sample_number(std::string_view request_id) {
  if (!is_uuid(request_id)) return std::nullopt;
  std::uint32_t leading = 0;
  std::from_chars(request_id.data(), request_id.data() + 8, leading, 16);
  return leading % kWhole;
}

std::optional<TraceReason> packed_reason(std::string_view request_id) {
  if (!is_uuid(request_id)) return std::nullopt;
  switch (request_id[kDecisionAt]) {
    case '9':
      return TraceReason::kRandom;
    case 'a':
      return TraceReason::kServiceForced;
    case 'b':
      return TraceReason::kClientForced;
    default:
      return std::nullopt;
  }
}

TraceReason decide(http::RequestHead& request, const Tracing& tracing, const SamplingRates& rates,
                   bool internal, Random& random, Arena& arena) {
  const std::string_view id = request.fields.get("x-request-id");
  std::optional<std::uint32_t> number;
  if (tracing.sample_by_request_id) number = sample_number(id);
  if (!number) number = static_cast<std::uint32_t>(random.below(kWhole));
  bool forced = request.fields.has("x-envoy-force-trace");
  if (forced && !internal) {
    request.fields.remove("x-envoy-force-trace");
    forced = false;
  }
  TraceReason out = TraceReason::kNotTraceable;
  if (const auto carried = packed_reason(id); carried && tracing.pack_reason) {
    out = *carried;
  } else if (request.fields.has("x-client-trace-id") && random.below(100) < rates.client) {
    out = TraceReason::kClientForced;
  } else if (forced) {
    out = TraceReason::kServiceForced;
  } else if (*number < rates.random * (kWhole / 100)) {
    out = TraceReason::kRandom;
  }
  if (traced(out) && *number >= rates.overall * (kWhole / 100)) out = TraceReason::kNotTraceable;
  if (tracing.pack_reason && is_uuid(id)) pack(out, request, id, arena);
  return out;
}

void count(TraceReason reason, HttpStats& stats) {
  switch (reason) {
    case TraceReason::kNotTraceable:
      return stats.tracing.not_traceable.add();
    case TraceReason::kHealthCheck:
      return stats.tracing.health_check.add();
    case TraceReason::kRandom:
      return stats.tracing.random_sampling.add();
    case TraceReason::kServiceForced:
      return stats.tracing.service_forced.add();
    case TraceReason::kClientForced:
      return stats.tracing.client_enabled.add();
  }
}

}  // namespace tidegate::proxy::telemetry
