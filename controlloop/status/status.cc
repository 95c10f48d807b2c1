#include "controlloop/status/status.h"

#include <algorithm>

namespace tidegate::controlloop::status {

namespace json = boost::json;

void set(std::vector<Condition>& conditions, std::string type, Condition::Value value,
         std::string reason, std::string message) {
  Condition fresh{std::move(type), value, std::move(reason), std::move(message)};
  for (Condition& known : conditions) {
    if (known.type == fresh.type) {
      known = std::move(fresh);
      return;
    }
  }
  conditions.push_back(std::move(fresh));
}

const Condition* find(const std::vector<Condition>& conditions, std::string_view type) {
  for (const Condition& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

bool is_true(const std::vector<Condition>& conditions, std::string_view type) {
  const Condition* found = find(conditions, type);
  return found != nullptr && found->value == Condition::Value::kTrue;
}

json::array to_json(const std::vector<Condition>& conditions, std::int64_t observed_generation) {
  json::array out;
  for (const Condition& condition : conditions) {
    json::object one;
    one["type"] = condition.type;
    one["status"] = condition.value == Condition::Value::kTrue    ? "True"
                    : condition.value == Condition::Value::kFalse ? "False"
                                                                  : "Unknown";
    one["reason"] = condition.reason;
    one["message"] = condition.message;
    one["observedGeneration"] = observed_generation;
    out.push_back(std::move(one));
  }
  return out;
}

namespace {

/// What tells an element of a list from the others: its type, name, or parentRef.
const json::value* identity(const json::value& element) {
  const json::object* object = element.if_object();
  if (object == nullptr) return nullptr;
  for (const char* key : {"type", "parentRef", "name"}) {
    if (const json::value* found = object->if_contains(key)) return found;
  }
  return nullptr;
}

const json::value* counterpart(const json::value& element, const json::array* old) {
  const json::value* wanted = identity(element);
  if (old == nullptr || wanted == nullptr) return nullptr;
  for (const json::value& candidate : *old) {
    const json::value* other = identity(candidate);
    if (other != nullptr && *other == *wanted) return &candidate;
  }
  return nullptr;
}

void stamp(json::value& fresh, const json::value* old, const std::string& now) {
  if (json::array* list = fresh.if_array()) {
    for (json::value& element : *list)
      stamp(element, counterpart(element, old ? old->if_array() : nullptr), now);
    return;
  }
  json::object* object = fresh.if_object();
  if (object == nullptr) return;
  const json::object* before = old ? old->if_object() : nullptr;
  if (object->contains("reason") && object->contains("status") && object->contains("type")) {
    const json::value* status = before ? before->if_contains("status") : nullptr;
    const json::value* since = before ? before->if_contains("lastTransitionTime") : nullptr;
    const bool same = status != nullptr && since != nullptr && *status == object->at("status");
    (*object)["lastTransitionTime"] = same ? *since : json::value(now);
    return;
  }
  for (auto& member : *object) {
    stamp(member.value(), before ? before->if_contains(member.key()) : nullptr, now);
  }
}

}  // namespace

void StatusStore::update(Statuses fresh, const std::string& now) {
  for (auto& [key, status] : fresh) {
    auto before = statuses_.find(key);
    json::value value(std::move(status));
    json::value old;
    if (before != statuses_.end()) old = before->second;
    stamp(value, before == statuses_.end() ? nullptr : &old, now);
    status = std::move(value.get_object());
    if (before == statuses_.end() || before->second != status) ++versions_[key];
  }
  std::erase_if(versions_, [&](const auto& version) { return !fresh.contains(version.first); });
  statuses_ = std::move(fresh);
}

const json::object* StatusStore::find(const Key& key) const {
  auto found = statuses_.find(key);
  return found == statuses_.end() ? nullptr : &found->second;
}

std::uint64_t StatusStore::version(const Key& key) const {
  auto found = versions_.find(key);
  return found == versions_.end() ? 0 : found->second;
}

}  // namespace tidegate::controlloop::status
