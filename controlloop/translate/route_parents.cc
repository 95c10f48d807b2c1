#include "controlloop/translate/route_parents.h"

#include <fmt/format.h>

#include "controlloop/translate/parents.h"

namespace tidegate::controlloop::translate {

using Value = status::Condition::Value;

void RouteFindings::add_unresolved(const std::string& reason, const std::string& message) {
  if (reason.empty() || !unresolved.empty()) return;
  unresolved = reason;
  unresolved_message = message;
}

void add_findings(std::vector<status::Condition>& conditions, const RouteFindings& findings) {
  const bool resolved = findings.unresolved.empty();
  status::set(conditions, "ResolvedRefs", resolved ? Value::kTrue : Value::kFalse,
              resolved ? "ResolvedRefs" : findings.unresolved, findings.unresolved_message);
  if (findings.invalid.empty()) return;
  status::set(conditions, "PartiallyInvalid", Value::kTrue, "UnsupportedValue", findings.invalid);
}

void attach_route(RouteContext& context, const RouteIdentity& route,
                  const std::vector<config::ParentRef>& parent_refs,
                  const std::function<RouteFindings()>& translate,
                  const std::function<std::string(const Attachment&, RouteFindings&)>& take) {
  std::vector<std::pair<const config::ParentRef*, AttachResult>> parents;
  for (const config::ParentRef& ref : parent_refs) {
    AttachResult result = attach(context.objects, context.gateways, route, ref);
    if (result.ours) parents.emplace_back(&ref, std::move(result));
  }
  if (parents.empty()) return;
  RouteFindings findings = translate();
  ParentStatuses out(context.options.controller_name, route.meta->generation);
  for (auto& [ref, result] : parents) {
    bool accepted = false;
    for (const Attachment& attachment : result.attachments) {
      ListenerState& listener = *attachment.listener;
      const std::pair<std::string, config::NamespacedName> id{route.kind, route.meta->key()};
      // Two parentRefs may lead to one listener.
      std::string refused =
          listener.routes.contains(id) ? std::string() : take(attachment, findings);
      if (refused.empty()) {
        listener.routes.insert(id);
        accepted = true;
      } else {
        result.reason = "NotAllowedByListeners";
        result.message = fmt::format("listener {}: {}", listener.spec->name, refused);
      }
    }
    std::vector<status::Condition> conditions;
    status::set(conditions, "Accepted", accepted ? Value::kTrue : Value::kFalse,
                accepted ? "Accepted" : result.reason, accepted ? "" : result.message);
    add_findings(conditions, findings);
    if (!result.message.empty()) {
      const auto index = static_cast<std::size_t>(ref - parent_refs.data());
      context.report.error(route.kind, *route.meta, fmt::format("spec.parentRefs[{}]", index),
                           result.message);
    }
    out.add(*ref, conditions);
  }
  context.statuses[{route.kind, route.meta->namespace_, route.meta->name}] = out.take();
}

void refuse_route(RouteContext& context, const char* kind, const config::Meta& meta,
                  const std::vector<config::ParentRef>& parent_refs, const std::string& message) {
  ParentStatuses parents(context.options.controller_name, meta.generation);
  for (const config::ParentRef& ref : parent_refs) {
    if (find_parent(context.gateways, meta.namespace_, ref).owner == nullptr) continue;
    std::vector<status::Condition> conditions;
    status::set(conditions, "Accepted", Value::kFalse, "UnsupportedValue", message);
    parents.add(ref, conditions);
  }
  context.statuses[{kind, meta.namespace_, meta.name}] = parents.take();
}

}  // namespace tidegate::controlloop::translate
