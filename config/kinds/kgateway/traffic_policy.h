#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/http_route.h"
#include "config/kinds/kgateway/shared.h"
#include "config/kinds/kgateway/traffic_access.h"
#include "config/kinds/kgateway/traffic_faults.h"
#include "config/kinds/kgateway/traffic_limits.h"
#include "config/kinds/kgateway/transformation.h"

namespace tidegate::config::kgateway {

/// Source: CorsPolicy.
struct CorsPolicy : HttpCors {
  std::optional<PolicyDisable> disable;
  bool operator==(const CorsPolicy&) const = default;
};

/// Source: shared Timeouts. 0: no timeout.
struct Timeouts {
  std::optional<Millis> request;      // whole exchange with the backend
  std::optional<Millis> stream_idle;  // nothing moves in either direction
  bool operator==(const Timeouts&) const = default;
};

/// Source: RetryOnCondition, in its order.
enum class RetryOn {
  k5xx,
  kGatewayError,
  kReset,
  kResetBeforeRequest,
  kConnectFailure,
  kEnvoyRatelimited,
  kRetriable4xx,
  kRefusedStream,
  kRetriableStatusCodes,
  kHttp3PostConnectFailure,
  kCancelled,
  kDeadlineExceeded,
  kInternal,
  kResourceExhausted,
  kUnavailable,
};

/// At least one of `retry_on` and `status_codes` is given. Source: Retry.
struct Retry {
  std::vector<RetryOn> retry_on;
  int attempts = 1;  // tries after the first; 0: none
  std::optional<Millis> per_try_timeout;
  std::vector<int> status_codes;     // 400..599
  Millis backoff_base_interval{25};  // full jitter, doubles, at most ten times this
  bool operator==(const Retry&) const = default;
};

/// Redirects of the backend that the gateway follows by itself. Source: InternalRedirect.
struct InternalRedirect {
  std::vector<int> redirect_response_codes;  // 301, 302, 303, 307, 308; empty: 302
  bool allow_cross_scheme_redirect = false;
  std::vector<std::string> response_headers_to_copy;
  std::int64_t max_redirects = 1;
  bool operator==(const InternalRedirect&) const = default;
};

/// Source: URLRewrite.
struct UrlRewrite {
  struct PathRegex {
    std::string pattern;       // RE2
    std::string substitution;  // \1 stands for a group
    bool operator==(const PathRegex&) const = default;
  };
  std::optional<PathRegex> path_regex;
  bool operator==(const UrlRewrite&) const = default;
};

/// Percentages, 0..100, over those of the listener. Source: RouteTracing.
struct RouteTracing {
  std::optional<int> client_sampling;
  std::optional<int> random_sampling;
  std::optional<int> overall_sampling;
  std::vector<SpanAttribute> attributes;
  std::optional<PolicyDisable> disable;
  bool operator==(const RouteTracing&) const = default;
};

/// What copies of requests look like. Source: RequestMirrorPolicy.
struct MirrorSettings {
  std::optional<bool> disable_shadow_host_suffix_append;
  std::optional<std::string> host_rewrite_literal;  // instead of Host
  bool operator==(const MirrorSettings&) const = default;
};

/// Behaviour of routes. Each member after the targets is one unit of merging: absent where the
/// policy does not speak of it. Source: TrafficPolicySpec.
struct TrafficPolicy {
  Meta meta;
  std::vector<TargetRef> target_refs;
  std::vector<TargetSelector> target_selectors;

  std::optional<Transformation> transformation;
  std::optional<ExtProcPolicy> ext_proc;
  std::optional<ExtAuthPolicy> ext_auth;
  std::optional<RateLimit> rate_limit;
  std::optional<CorsPolicy> cors;
  std::optional<CsrfPolicy> csrf;
  std::optional<HeaderModifiers> header_modifiers;
  std::optional<bool> auto_host_rewrite;
  std::optional<Buffer> buffer;
  std::optional<Timeouts> timeouts;
  std::optional<Retry> retry;
  std::optional<InternalRedirect> internal_redirect;
  std::optional<Authorization> rbac;
  std::optional<JwtAuth> jwt_auth;
  std::optional<UrlRewrite> url_rewrite;
  std::optional<Compression> compression;
  std::optional<BasicAuth> basic_auth;
  std::optional<ApiKeyAuth> api_key_auth;
  std::optional<OAuth2Policy> oauth2;
  std::optional<RouteTracing> tracing;
  std::optional<FaultInjection> fault_injection;
  std::optional<AclPolicy> acl;
  std::optional<std::string> stat_prefix;
  std::optional<MirrorSettings> request_mirror;
  bool operator==(const TrafficPolicy&) const = default;
};

}  // namespace tidegate::config::kgateway
