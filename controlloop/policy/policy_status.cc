#include "controlloop/policy/policy_status.h"

namespace tidegate::controlloop::policy {

namespace json = boost::json;
using Value = status::Condition::Value;

namespace {

json::object reference(const Target& target) {
  json::object out;
  out["group"] = target.group;
  out["kind"] = target.kind;
  if (!target.name.namespace_.empty()) out["namespace"] = target.name.namespace_;
  out["name"] = target.name.name;
  if (!target.section.empty()) out["sectionName"] = target.section;
  return out;
}

void set_attached(std::vector<status::Condition>& conditions, std::uint8_t bits) {
  const auto overridden = static_cast<std::uint8_t>(Reach::kOverridden);
  const auto attached = static_cast<std::uint8_t>(Reach::kAttached);
  if (bits == attached) {
    status::set(conditions, "Attached", Value::kTrue, "Attached", "holds at all its targets");
  } else if (bits == overridden) {
    status::set(conditions, "Attached", Value::kFalse, "Overridden",
                "policies that go before it say all that it says");
  } else {
    status::set(conditions, "Attached", Value::kTrue, "Merged",
                "holds together with other policies of its targets");
  }
}

}  // namespace

void PolicyStatuses::write(const std::string& controller_name, status::Statuses& out) const {
  for (PolicyIndex i = 0; i < states_.size(); ++i) {
    const PolicyObject& policy = attachments_.policies()[i];
    const State& state = states_[i];
    std::string invalid = state.invalid;
    if (!policy.valid) invalid = "the object is not valid: see its problems";
    json::array entries;
    auto add = [&](const Target& ancestor, const std::vector<status::Condition>& conditions) {
      json::object entry;
      entry["ancestorRef"] = reference(ancestor);
      entry["controllerName"] = controller_name;
      entry["conditions"] = status::to_json(conditions, policy.meta->generation);
      entries.push_back(std::move(entry));
    };
    auto accepted = [&] {
      std::vector<status::Condition> conditions;
      status::set(conditions, "Accepted", invalid.empty() ? Value::kTrue : Value::kFalse,
                  invalid.empty() ? "Valid" : "Invalid", invalid);
      if (!invalid.empty())
        status::set(conditions, "Attached", Value::kFalse, "Pending", "it is not valid");
      return conditions;
    };
    // What concerns the policy as a whole stands under a name of its own, as kgateway has it.
    if (const std::string& missing = attachments_.missing(i);
        !missing.empty() || (!invalid.empty() && state.ancestors.empty())) {
      std::vector<status::Condition> conditions = accepted();
      if (!missing.empty())
        status::set(conditions, "Attached", Value::kFalse, "TargetNotFound", missing);
      add({kPolicyGroup, "StatusSummary", {"", "StatusSummary"}, ""}, conditions);
    }
    for (const auto& [ancestor, bits] : state.ancestors) {
      if (entries.size() == kAncestorsMax) break;
      std::vector<status::Condition> conditions = accepted();
      if (invalid.empty()) set_attached(conditions, bits);
      if (auto found = state.conflicts.find(ancestor); found != state.conflicts.end())
        status::set(conditions, "Overridden", Value::kTrue, "Conflicted", found->second);
      add(ancestor, conditions);
    }
    json::object status;
    status["ancestors"] = std::move(entries);
    out[{policy.kind, policy.meta->namespace_, policy.meta->name}] = std::move(status);
  }
}

}  // namespace tidegate::controlloop::policy
