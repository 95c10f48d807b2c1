#include "proxy/exchange/details.h"

namespace tidegate::proxy::exchange {
namespace {

struct Row {
  std::string_view flag;
  std::string_view details;
};
constexpr Row kByFlag[] = {
    {"NR", "route_not_found"},
    {"NC", "cluster_not_found"},
    {"UH", "no_healthy_upstream"},
    {"UT", "response_timeout"},
    {"UF", "upstream_reset_before_response_started{remote_connection_failure}"},
    {"UO", "upstream_reset_before_response_started{overflow}"},
    {"UC", "upstream_reset_before_response_started{connection_termination}"},
    {"UR", "upstream_reset_before_response_started{remote_reset}"},
    {"UPE", "upstream_reset_before_response_started{protocol_error}"},
    {"URX", "via_upstream"},
    {"DC", "downstream_remote_disconnect"},
    {"DPE", "http1.codec_error"},
    {"UAEX", "ext_authz_denied"},
    {"RL", "local_rate_limited"},
    {"RLSE", "rate_limiter_error"},
    {"FI", "fault_filter_abort"},
    {"SI", "stream_idle_timeout"},
};

}  // namespace

std::string_view details_of(std::string_view flag, int status) {
  for (const Row& row : kByFlag) {
    if (row.flag == flag) return row.details;
  }
  return status == 413 ? "request_payload_too_large" : "direct_response";
}

}  // namespace tidegate::proxy::exchange
