#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/telemetry.h"

namespace tidegate::proxy::telemetry {

/// Why an exchange is traced, or is not.
enum class TraceReason {
  kNotTraceable,
  kHealthCheck,
  kRandom,
  kServiceForced,  // x-envoy-force-trace, from within
  kClientForced,   // x-client-trace-id
};
inline bool traced(TraceReason reason) {
  return reason != TraceReason::kNotTraceable && reason != TraceReason::kHealthCheck;
}

/// What is decided by. Percentages are 0 to 100.
struct SamplingRates {
  std::uint32_t client = 100, random = 100, overall = 100;
};
SamplingRates rates_of(const Tracing& tracing, const RouteTracing* route);

/// The number that an id is sampled by, and the decision that it carries: the digit at position 14,
/// which a plain UUID of version 4 has as 4. Source: Envoy, "x-request-id".
std::optional<std::uint32_t> sample_number(std::string_view request_id);
std::optional<TraceReason> packed_reason(std::string_view request_id);

/// Decides, and says so in x-request-id where that is a UUID; a decision that it carries holds.
/// `internal`: the client is one of ours; another's x-envoy-force-trace is removed.
/// Source: Envoy, "Tracing", x-client-trace-id, x-envoy-force-trace.
TraceReason decide(http::RequestHead& request, const Tracing& tracing, const SamplingRates& rates,
                   bool internal, Random& random, Arena& arena);

void count(TraceReason reason, HttpStats& stats);

}  // namespace tidegate::proxy::telemetry
