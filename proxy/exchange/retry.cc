#include "proxy/exchange/retry.h"

#include <algorithm>

#include "proxy/http2/error.h"
#include "proxy/upstream/error.h"

namespace tidegate::proxy::exchange {

using On = Retry::On;
using std::chrono::milliseconds;

bool safe_to_retry(const Retry* retry, error_code failed, bool stale, bool head_sent,
                   const http::RequestHead& request) {
  if (retry && retry->on && !stale) {
    return failed == upstream::Error::kRetriedStatus ||
           retries_failure(*retry->on, failed, head_sent);
  }
  if (failed == upstream::Error::kConnectFailed || failed == upstream::Error::kConnectTimeout ||
      failed == upstream::Error::kRetriedStatus) {
    return true;
  }
  if (failed.category() == http2::category() && http2::retry_safe(failed)) return true;
  const std::string_view method = request.method;
  const bool idempotent = method == "GET" || method == "HEAD" || method == "OPTIONS" ||
                          method == "PUT" || method == "DELETE" || method == "TRACE";
  const bool again =
      failed == upstream::Error::kReset || (failed == upstream::Error::kTimeout && retry);
  return idempotent && request.upgrade.empty() && again;
}

bool retries_failure(const std::vector<On>& on, error_code failed, bool head_sent) {
  const bool connect =
      failed == upstream::Error::kConnectFailed || failed == upstream::Error::kConnectTimeout;
  const bool refused = failed.category() == http2::category() && http2::retry_safe(failed);
  return std::any_of(on.begin(), on.end(), [&](On one) {
    switch (one) {
      case On::k5xx:
      case On::kGatewayError:
      case On::kReset:
        return true;
      case On::kResetBeforeRequest:
        return connect || !head_sent;
      case On::kConnectFailure:
        return connect;
      case On::kRefusedStream:
        return refused;
      default:
        return false;
    }
  });
}

bool retries_answer(const Retry& retry, const http::ResponseHead& head) {
  const int status = head.status;
  if (std::find(retry.on_status.begin(), retry.on_status.end(), status) != retry.on_status.end())
    return true;
  if (!retry.on) return false;
  auto grpc = [&head](std::string_view wanted) { return head.fields.get("grpc-status") == wanted; };
  return std::any_of(retry.on->begin(), retry.on->end(), [&](On one) {
    switch (one) {
      case On::k5xx:
        return status >= 500;
      case On::kGatewayError:
        return status >= 502 && status <= 504;
      case On::kRetriable4xx:
        return status == 409;
      case On::kEnvoyRatelimited:
        return head.fields.get("x-envoy-ratelimited").data() != nullptr;
      case On::kCancelled:
        return grpc("1");
      case On::kDeadlineExceeded:
        return grpc("4");
      case On::kResourceExhausted:
        return grpc("8");
      case On::kInternal:
        return grpc("13");
      case On::kUnavailable:
        return grpc("14");
      default:
        return false;
    }
  });
}

std::optional<milliseconds> attempt_time(const Rule& rule, const Cluster& cluster) {
  std::optional<milliseconds> time = cluster.stream_duration_max;
  if (rule.backend_timeout && rule.backend_timeout->count() > 0)
    time = std::min(time.value_or(milliseconds::max()), *rule.backend_timeout);
  if (time && time->count() <= 0) time.reset();
  return time;
}

milliseconds pause_before(const Retry& retry, int number, Random& random) {
  const milliseconds most =
      retry.backoff_max.value_or(std::max(retry.backoff, milliseconds(10000)));
  milliseconds span = retry.backoff;
  for (int i = 1; i < number && span < most; ++i) {
    span *= 2;
    if (retry.backoff_max) span += retry.backoff;  // (2^N - 1) times the base
  }
  span = std::min(span, most);
  if (span.count() <= 0) return milliseconds(0);
  const auto all = static_cast<std::uint64_t>(span.count());
  if (retry.backoff_max) return milliseconds(static_cast<std::int64_t>(random.below(all)));
  return span - milliseconds(static_cast<std::int64_t>(random.below(all / 2 + 1)));
}

}  // namespace tidegate::proxy::exchange
