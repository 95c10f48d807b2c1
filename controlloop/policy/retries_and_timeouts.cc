#include <algorithm>

#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

using From = config::kgateway::RetryOn;
using To = proxy::Retry::On;

std::optional<To> condition(From from) {
  switch (from) {
    case From::k5xx:
      return To::k5xx;
    case From::kGatewayError:
      return To::kGatewayError;
    case From::kReset:
      return To::kReset;
    case From::kResetBeforeRequest:
      return To::kResetBeforeRequest;
    case From::kConnectFailure:
      return To::kConnectFailure;
    case From::kEnvoyRatelimited:
      return To::kEnvoyRatelimited;
    case From::kRetriable4xx:
      return To::kRetriable4xx;
    case From::kRefusedStream:
      return To::kRefusedStream;
    case From::kCancelled:
      return To::kCancelled;
    case From::kDeadlineExceeded:
      return To::kDeadlineExceeded;
    case From::kInternal:
      return To::kInternal;
    case From::kResourceExhausted:
      return To::kResourceExhausted;
    case From::kUnavailable:
      return To::kUnavailable;
    case From::kRetriableStatusCodes:  // that is what statusCodes are for
    case From::kHttp3PostConnectFailure:
      break;
  }
  return std::nullopt;
}

}  // namespace

void check_retry(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::Retry& retry = *policy.retry;
  auto has = [&retry](From wanted) {
    return std::find(retry.retry_on.begin(), retry.retry_on.end(), wanted) != retry.retry_on.end();
  };
  if (has(From::kHttp3PostConnectFailure)) {
    context.warning(
        "spec.retry.retryOn",
        "http3-post-connect-failure has no effect: backends are not spoken to in HTTP/3");
  }
  if (has(From::kRetriableStatusCodes) && retry.status_codes.empty())
    context.warning("spec.retry.retryOn",
                    "retriable-status-codes has no effect without statusCodes");
  if (retry.per_try_timeout && policy.timeouts && policy.timeouts->request &&
      policy.timeouts->request->count() > 0 &&
      *retry.per_try_timeout >= *policy.timeouts->request) {
    context.warning("spec.retry.perTryTimeout",
                    "is not shorter than timeouts.request: no second try begins");
  }
}

void apply_retry(const TrafficPolicy& policy, proxy::Rule& rule) {
  if (rule.retry) return;
  const config::kgateway::Retry& from = *policy.retry;
  if (from.per_try_timeout && !rule.backend_timeout) rule.backend_timeout = from.per_try_timeout;
  if (from.attempts == 0) return;
  proxy::Retry to;
  to.attempts = from.attempts;
  to.backoff = from.backoff_base_interval;
  to.backoff_max = from.backoff_base_interval * 10;
  to.on_status = from.status_codes;
  to.on.emplace();
  for (const From one : from.retry_on) {
    if (auto known = condition(one)) to.on->push_back(*known);
  }
  rule.retry = std::move(to);
}

/// `request` is over the whole exchange; the route's own goes before it. Source: TrafficPolicySpec.
void apply_timeouts(const TrafficPolicy& policy, proxy::Rule& rule) {
  if (!rule.request_timeout) rule.request_timeout = policy.timeouts->request;
  if (!rule.stream_idle_timeout) rule.stream_idle_timeout = policy.timeouts->stream_idle;
}

}  // namespace tidegate::controlloop::policy
