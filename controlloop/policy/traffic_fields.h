#pragma once

#include "controlloop/policy/traffic_field.h"
#include "proxy/snapshot/auth_filters.h"
#include "proxy/snapshot/rate_limit.h"
#include "proxy/snapshot/traffic_filters.h"

/// What each field of TrafficPolicy becomes: one file a field or group of fields. The table that
/// lists them is traffic_fields.cc.
namespace tidegate::controlloop::policy {

// Where their filters stand. Source: docs/reference/filter-order.md.
inline constexpr Position kAtFault{Stage::kFault};
inline constexpr Position kAtCors{Stage::kCors};
inline constexpr Position kAtDecompression{Stage::kCors, Side::kAfter, 0, 0};
inline constexpr Position kAtCompression{Stage::kCors, Side::kAfter, 0, 1};
inline constexpr Position kAtAcl{Stage::kAuthN, Side::kBefore, 0, 0};
inline constexpr Position kAtOAuth2{Stage::kAuthN, Side::kBefore, 0, 1};
inline constexpr Position kAtOAuth2Tokens{Stage::kAuthN, Side::kBefore, 0, 2};  // that it got
inline constexpr Position kAtApiKeyAuth{Stage::kAuthN, Side::kDuring, 0, 0};
inline constexpr Position kAtBasicAuth{Stage::kAuthN, Side::kDuring, 0, 1};
inline constexpr Position kAtExtAuth{Stage::kAuthN, Side::kDuring, 0, 2};
inline constexpr Position kAtJwtAuth{Stage::kAuthN, Side::kDuring, 0, 4};
inline constexpr Position kAtRbac{Stage::kAuthZ};
inline constexpr Position kAtExtProc{Stage::kAuthZ, Side::kAfter};  // unless its provider says
inline constexpr Position kAtLocalRateLimit{Stage::kRateLimit, Side::kDuring, 0, 0};
inline constexpr Position kAtGlobalRateLimit{Stage::kRateLimit, Side::kDuring, 0, 4};
inline constexpr Position kAtTransformation{Stage::kAccepted, Side::kBefore};
inline constexpr Position kAtBuffer{Stage::kRoute, Side::kDuring, 0, 0};
inline constexpr Position kAtCsrf{Stage::kRoute, Side::kDuring, 0, 1};
inline constexpr Position kAtHeaderModifiers{Stage::kRoute, Side::kDuring, 0, 2};
inline constexpr Position kAtRouter{Stage::kRoute, Side::kAfter};  // filters of the route itself

void make_acl(const TrafficPolicy& policy, FieldContext& context);
void make_api_key_auth(const TrafficPolicy& policy, FieldContext& context);
void make_basic_auth(const TrafficPolicy& policy, FieldContext& context);
void make_csrf(const TrafficPolicy& policy, FieldContext& context);
void make_jwt_auth(const TrafficPolicy& policy, FieldContext& context);
void make_oauth2(const TrafficPolicy& policy, FieldContext& context);
void make_cors(const TrafficPolicy& policy, FieldContext& context);
void make_fault_injection(const TrafficPolicy& policy, FieldContext& context);
void make_compression(const TrafficPolicy& policy, FieldContext& context);
void make_decompression(const TrafficPolicy& policy, FieldContext& context);
void make_ext_auth(const TrafficPolicy& policy, FieldContext& context);
void make_ext_proc(const TrafficPolicy& policy, FieldContext& context);
void make_local_rate_limit(const TrafficPolicy& policy, FieldContext& context);
void make_global_rate_limit(const TrafficPolicy& policy, FieldContext& context);
void make_rbac(const TrafficPolicy& policy, FieldContext& context);
void make_buffer(const TrafficPolicy& policy, FieldContext& context);
void make_transformation(const TrafficPolicy& policy, FieldContext& context);
void make_header_modifiers(const TrafficPolicy& policy, FieldContext& context);
void check_internal_redirect(const TrafficPolicy& policy, FieldContext& context);
void apply_internal_redirect(const TrafficPolicy& policy, proxy::Rule& rule);
void apply_stat_prefix(const TrafficPolicy& policy, proxy::Rule& rule);
void check_retry(const TrafficPolicy& policy, FieldContext& context);
void apply_retry(const TrafficPolicy& policy, proxy::Rule& rule);
void apply_timeouts(const TrafficPolicy& policy, proxy::Rule& rule);
void apply_tracing(const TrafficPolicy& policy, proxy::Rule& rule);
void apply_auto_host_rewrite(const TrafficPolicy& policy, proxy::Rule& rule);
void check_request_mirror(const TrafficPolicy& policy, FieldContext& context);
void apply_request_mirror(const TrafficPolicy& policy, proxy::Rule& rule);
void make_url_rewrite(const TrafficPolicy& policy, FieldContext& context);
std::optional<TrafficPolicy> unite_acl(const std::vector<const TrafficPolicy*>& policies);

}  // namespace tidegate::controlloop::policy
