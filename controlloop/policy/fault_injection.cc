#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {

void make_fault_injection(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::FaultInjection& from = *policy.fault_injection;
  if (from.disable) return;
  proxy::FaultInjection to;
  to.policy = display_name(context.meta());
  if (from.delay)
    to.delay = proxy::FaultInjection::Delay{from.delay->fixed_delay, from.delay->percentage};
  if (from.abort) {
    to.abort = proxy::FaultInjection::Abort{from.abort->http_status, from.abort->grpc_status,
                                            from.abort->percentage};
  }
  if (from.response_rate_limit) {
    to.response_rate = proxy::FaultInjection::RateLimit{
        static_cast<std::uint64_t>(from.response_rate_limit->kbits_per_second),
        from.response_rate_limit->percentage};
  }
  if (from.max_active_faults) to.active_max = static_cast<std::uint64_t>(*from.max_active_faults);
  context.add(kAtFault, std::move(to));
}

}  // namespace tidegate::controlloop::policy
