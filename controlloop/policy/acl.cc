#include <fmt/format.h>

#include "base/cidr.h"
#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"
#include "proxy/snapshot/auth_filters.h"

namespace tidegate::controlloop::policy {

void make_acl(const TrafficPolicy& policy, FieldContext& context) {
  using config::kgateway::AclAction;
  const config::kgateway::AclPolicy& from = *policy.acl;
  proxy::IpAcl to;
  to.deny = from.default_action == AclAction::kDeny;
  for (std::size_t i = 0; i < from.rules.size(); ++i) {
    const config::kgateway::AclPolicy::Rule& rule = from.rules[i];
    for (std::size_t k = 0; k < rule.cidrs.size(); ++k) {
      const ReadCidr read = parse_cidr(rule.cidrs[k]);
      if (!read.cidr)
        context.error(fmt::format("spec.acl.rules[{}].cidrs[{}]", i, k), "acl: " + read.problem);
    }
    to.rules.push_back({rule.name.value_or(""), rule.cidrs, rule.action == AclAction::kDeny});
  }
  if (from.deny_response) {
    to.status = from.deny_response->status_code.value_or(403);
    for (const config::kgateway::AclPolicy::Header& header : from.deny_response->headers)
      to.headers.push_back({lower(header.name), header.value});
    to.blocked_by_header = lower(from.deny_response->blocked_by_header_name.value_or(""));
  }
  context.add(kAtAcl, std::move(to));
}

}  // namespace tidegate::controlloop::policy
