#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {

/// Rules of all, those of the first policy first. What there can be only one of is the first's;
/// where another one says it differently, nothing is united. Source: TrafficPolicySpec.acl.
std::optional<TrafficPolicy> unite_acl(const std::vector<const TrafficPolicy*>& policies) {
  TrafficPolicy out = *policies.front();
  for (std::size_t i = 1; i < policies.size(); ++i) {
    const config::kgateway::AclPolicy& next = *policies[i]->acl;
    if (next.default_action != out.acl->default_action) return std::nullopt;
    if (next.deny_response && out.acl->deny_response &&
        *next.deny_response != *out.acl->deny_response)
      return std::nullopt;
    if (!out.acl->deny_response) out.acl->deny_response = next.deny_response;
    out.acl->rules.insert(out.acl->rules.end(), next.rules.begin(), next.rules.end());
  }
  return out;
}

}  // namespace tidegate::controlloop::policy
