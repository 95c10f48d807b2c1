#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

using P = TrafficPolicy;

template <auto Member>
bool has(const P& policy) {
  return (policy.*Member).has_value();
}

bool has_local_limit(const P& policy) { return policy.rate_limit && policy.rate_limit->local; }
bool has_global_limit(const P& policy) { return policy.rate_limit && policy.rate_limit->global; }
bool has_compression(const P& policy) {
  return policy.compression && policy.compression->response_compression;
}
bool has_decompression(const P& policy) {
  return policy.compression && policy.compression->request_decompression;
}

/// Of fields that have nothing to check, and no filter.
void nothing(const P&, FieldContext&) {}

}  // namespace

const std::vector<Field>& traffic_fields() {
  static const std::vector<Field> fields{
      {"faultInjection", has<&P::fault_injection>, make_fault_injection},
      {"cors", has<&P::cors>, make_cors},
      {"compression.requestDecompression", has_decompression, make_decompression},
      {"compression.responseCompression", has_compression, make_compression},
      {"acl", has<&P::acl>, make_acl, nullptr, unite_acl},
      {"oauth2", has<&P::oauth2>, make_oauth2},
      {"apiKeyAuth", has<&P::api_key_auth>, make_api_key_auth},
      {"basicAuth", has<&P::basic_auth>, make_basic_auth},
      {"extAuth", has<&P::ext_auth>, make_ext_auth},
      {"jwtAuth", has<&P::jwt_auth>, make_jwt_auth},
      {"rbac", has<&P::rbac>, make_rbac},
      {"extProc", has<&P::ext_proc>, make_ext_proc},
      {"rateLimit.local", has_local_limit, make_local_rate_limit, nullptr, nullptr, true},
      {"rateLimit.global", has_global_limit, make_global_rate_limit},
      {"transformation", has<&P::transformation>, make_transformation},
      {"buffer", has<&P::buffer>, make_buffer},
      {"csrf", has<&P::csrf>, make_csrf},
      {"headerModifiers", has<&P::header_modifiers>, make_header_modifiers},
      {"autoHostRewrite", has<&P::auto_host_rewrite>, nothing, apply_auto_host_rewrite},
      {"urlRewrite", has<&P::url_rewrite>, make_url_rewrite},
      {"timeouts", has<&P::timeouts>, nothing, apply_timeouts},
      {"retry", has<&P::retry>, check_retry, apply_retry},
      {"internalRedirect", has<&P::internal_redirect>, check_internal_redirect,
       apply_internal_redirect},
      {"tracing", has<&P::tracing>, nothing, apply_tracing},
      {"requestMirror", has<&P::request_mirror>, check_request_mirror, apply_request_mirror},
      {"statPrefix", has<&P::stat_prefix>, nothing, apply_stat_prefix},
  };
  return fields;
}

}  // namespace tidegate::controlloop::policy
