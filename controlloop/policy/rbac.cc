#include <fmt/format.h>

#include "controlloop/policy/traffic_fields.h"
#include "proxy/cel/expression.h"

namespace tidegate::controlloop::policy {
namespace {

/// What is wrong with an expression, as far as its text tells; empty: nothing.
std::string problem(const std::string& text) {
  proxy::cel::Expression::Compiled compiled = proxy::cel::Expression::compile(text);
  if (!compiled) return "no CEL expression: " + proxy::cel::describe(compiled.error());
  for (proxy::cel::Attribute attribute : (*compiled)->attributes()) {
    if (!proxy::cel::known_on_request(attribute))
      return fmt::format("'{}' is not known when access is decided", proxy::cel::name(attribute));
  }
  return {};
}

}  // namespace

void make_rbac(const TrafficPolicy& policy, FieldContext& context) {
  const config::kgateway::Authorization& from = *policy.rbac;
  proxy::Rbac to;
  to.action = from.action == config::kgateway::Authorization::Action::kDeny
                  ? proxy::Rbac::Action::kDeny
                  : proxy::Rbac::Action::kAllow;
  to.policy = display_name(context.meta());
  for (std::size_t i = 0; i < from.policy.match_expressions.size(); ++i) {
    const std::string& text = from.policy.match_expressions[i];
    if (std::string wrong = problem(text); !wrong.empty()) {
      context.error(fmt::format("spec.rbac.policy.matchExpressions[{}]", i),
                    fmt::format("rbac.policy.matchExpressions[{}]: {}", i, wrong));
    }
    to.expressions.push_back(text);
  }
  context.add(kAtRbac, std::move(to));
}

}  // namespace tidegate::controlloop::policy
