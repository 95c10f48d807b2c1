#include <fmt/format.h>

#include <vector>

#include "proxy/cel/expression.h"
#include "proxy/filters/attributes.h"
#include "proxy/filters/chain.h"
#include "proxy/snapshot/traffic_filters.h"

/// Source: kgateway TrafficPolicy.spec.rbac; Envoy's filter envoy.filters.http.rbac.
namespace tidegate::proxy::filters {
namespace {

/// An expression without a value (a claim that is not there) does not match, as in Envoy.
class RbacFilter final : public Filter {
 public:
  explicit RbacFilter(const Rbac& from)
      : deny_(from.action == Rbac::Action::kDeny),
        details_(fmt::format("rbac_access_denied_matched_policy[{}]",
                             deny_ ? from.policy : std::string("none"))) {
    for (const std::string& text : from.expressions) {
      cel::Expression::Compiled compiled = cel::Expression::compile(text);
      if (compiled) {
        expressions_.push_back(std::move(*compiled));
      } else {
        closed_ = true;  // translation lets none through; nobody passes what we cannot read
      }
    }
  }

  Verdict request(Call& call) const override {
    if (!closed_ && matches(call) != deny_) {
      call.stats.rbac_allowed.add();
      return Verdict::kContinue;
    }
    call.stats.rbac_denied.add();
    call.reply = Reply{403, {}, "RBAC: access denied", "-", details_};
    return Verdict::kReply;
  }

 private:
  bool matches(Call& call) const {
    const CallAttributes attributes(call);
    for (const auto& expression : expressions_) {
      const cel::Value value = expression->evaluate(attributes, call.arena);
      if (value.is_true()) return true;
      // What could not be decided within the limits is not let through.
      if (deny_ && value.is_error() && value.text() == cel::kLimit) return true;
    }
    return false;
  }

  bool deny_;
  bool closed_ = false;
  std::string details_;
  std::vector<std::unique_ptr<const cel::Expression>> expressions_;
};

}  // namespace

FilterPtr compile(const Rbac& from, const CompileContext&) {
  return std::make_shared<RbacFilter>(from);
}

}  // namespace tidegate::proxy::filters
