#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "proxy/http/message.h"
#include "proxy/runtime/loop.h"
#include "proxy/snapshot/cluster.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::exchange {

/// Whether a request whose body is still at hand may be sent again. Safe is what the backend cannot
/// have acted on: nothing was sent, or the method is idempotent. A policy (null: none) that names
/// its conditions has decided that for itself, but for a connection that was closed while it idled
/// (`stale`). Source: RFC 9110 section 9.2.2.
bool safe_to_retry(const Retry* retry, error_code failed, bool stale, bool head_sent,
                   const http::RequestHead& request);

/// Whether the conditions of a retry policy take in an attempt without an answer. `head_sent`: the
/// backend may have seen the request's head. Source: Envoy, x-envoy-retry-on.
bool retries_failure(const std::vector<Retry::On>& on, error_code failed, bool head_sent);

/// Whether they, or its statuses, take in an answer. Source: Envoy, x-envoy-retry-on,
/// x-envoy-retry-grpc-on (grpc-status in the head: an answer without messages).
bool retries_answer(const Retry& retry, const http::ResponseHead& head);

/// The time that one attempt has: the route's, and the cluster's; nothing: any.
std::optional<std::chrono::milliseconds> attempt_time(const Rule& rule, const Cluster& cluster);

/// How long to wait before the try of this number, 1 and up; may be 0.
std::chrono::milliseconds pause_before(const Retry& retry, int number, Random& random);

}  // namespace tidegate::proxy::exchange
