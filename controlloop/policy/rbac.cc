#include <fmt/format.h>

#include "controlloop/policy/text.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {

void make_rbac(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::Authorization& from = *policy.rbac;
  proxy::Rbac to;
  to.action = from.action == config::kgateway::Authorization::Action::kDeny
                  ? proxy::Rbac::Action::kDeny
                  : proxy::Rbac::Action::kAllow;
  to.policy = display_name(context.meta());
  for (std::size_t i = 0; i < from.policy.match_expressions.size(); ++i) {
    const std::string& text = from.policy.match_expressions[i];
    if (std::string wrong = cel_problem(text, "when access is decided"); !wrong.empty()) {
      context.error(fmt::format("spec.rbac.policy.matchExpressions[{}]", i),
                    fmt::format("rbac.policy.matchExpressions[{}]: {}", i, wrong));
    }
    to.expressions.push_back(text);
  }
  context.add(kAtRbac, std::move(to));
}

}  // namespace tidegate::controlloop::policy
