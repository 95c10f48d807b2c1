#include "controlloop/translate/route_parents.h"

#include <fmt/format.h>

#include <algorithm>

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

namespace {

bool says_the_same(const LastSaid::Parents& one, const LastSaid::Parents& other) {
  return std::equal(
      one.begin(), one.end(), other.begin(), other.end(),
      [](const auto& a, const auto& b) { return *a.first == *b.first && a.second == b.second; });
}

/// The route's status.
void say(RouteContext& context, const RouteIdentity& route, LastSaid::Parents said) {
  LastSaid& last = context.last;
  if (last.generation != route.meta->generation || !says_the_same(last.parents, said)) {
    ParentStatuses out(context.options.controller_name, route.meta->generation);
    for (const auto& [ref, conditions] : said) out.add(*ref, conditions);
    last = {route.meta->generation, std::move(said), out.take()};
  }
  // Routes come nearly in the order of their names.
  context.statuses.insert_or_assign(
      context.statuses.end(), {route.kind, route.meta->namespace_, route.meta->name}, last.status);
}

}  // namespace

void attach_route(
    RouteContext& context, const RouteIdentity& route,
    const std::vector<config::ParentRef>& parent_refs,
    const std::function<RouteFindings()>& translate,
    const std::function<std::string(const Attachment&, RouteFindings&, bool last)>& take) {
  std::vector<std::pair<const config::ParentRef*, AttachResult>> parents;
  for (const config::ParentRef& ref : parent_refs) {
    AttachResult result = attach(context.objects, context.gateways, route, ref);
    if (result.ours) parents.emplace_back(&ref, std::move(result));
  }
  if (parents.empty()) return;
  RouteFindings findings = translate();
  LastSaid::Parents said;
  std::vector<const ListenerState*> attached;  // two parentRefs may lead to one
  std::size_t left = 0;
  for (const auto& [ref, result] : parents) left += result.attachments.size();
  for (auto& [ref, result] : parents) {
    bool accepted = false;
    for (const Attachment& attachment : result.attachments) {
      ListenerState& listener = *attachment.listener;
      --left;
      if (std::find(attached.begin(), attached.end(), &listener) != attached.end()) {
        accepted = true;
        continue;
      }
      const std::string refused = take(attachment, findings, left == 0);
      if (refused.empty()) {
        attached.push_back(&listener);
        ++listener.routes_attached;
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
    said.emplace_back(ref, std::move(conditions));
  }
  say(context, route, std::move(said));
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
