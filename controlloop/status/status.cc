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

void stamp(json::object& fresh, const json::object* before, const std::string& now);

void stamp(json::value& fresh, const json::value* old, const std::string& now) {
  if (json::array* list = fresh.if_array()) {
    for (json::value& element : *list)
      stamp(element, counterpart(element, old ? old->if_array() : nullptr), now);
  } else if (json::object* object = fresh.if_object()) {
    stamp(*object, old ? old->if_object() : nullptr, now);
  }
}

void stamp(json::object& fresh, const json::object* before, const std::string& now) {
  if (fresh.contains("reason") && fresh.contains("status") && fresh.contains("type")) {
    const json::value* status = before ? before->if_contains("status") : nullptr;
    const json::value* since = before ? before->if_contains("lastTransitionTime") : nullptr;
    const bool same = status != nullptr && since != nullptr && *status == fresh.at("status");
    fresh["lastTransitionTime"] = same ? *since : json::value(now);
    return;
  }
  for (auto& member : fresh) {
    stamp(member.value(), before ? before->if_contains(member.key()) : nullptr, now);
  }
}

/// What is shown of a status, given what is shown now. Of thousands of routes most share one
/// status: what was found out of the last pair holds for the next where they are the same two.
class Stamper {
 public:
  explicit Stamper(const std::string& now) : now_(now) {}

  /// Whether the same is said, times aside.
  bool same(const Status& said, const Status& before) {
    const Pair pair{&*said, &*before};
    if (pair != compared_) {
      compared_ = pair;
      equal_ = pair.first == pair.second || *said == *before;
    }
    return equal_;
  }
  /// `before` null: the object had none.
  Status stamped(const Status& said, const Status* before) {
    const Pair pair{&*said, before == nullptr ? nullptr : &**before};
    if (pair != stamped_) {
      stamped_ = pair;
      json::object shown = *said;
      stamp(shown, pair.second, now_);
      shown_ = std::move(shown);
    }
    return shown_;
  }

 private:
  using Pair = std::pair<const json::object*, const json::object*>;
  const std::string& now_;
  Pair compared_, stamped_;
  bool equal_ = false;
  Status shown_;
};

}  // namespace

const json::object& Status::operator*() const {
  static const json::object kNothing;
  return said_ ? *said_ : kNothing;
}

void StatusStore::update(Statuses fresh, const std::string& now) {
  Stamper stamper(now);
  std::vector<Status> said;
  said.reserve(fresh.size());
  auto before = statuses_.begin();  // both in the order of their keys
  auto said_before = said_.begin();
  auto pass = [&] {
    ++before;
    ++said_before;
  };
  for (auto& [key, status] : fresh) {
    for (; before != statuses_.end() && before->first < key; pass()) versions_.erase(before->first);
    said.push_back(status);
    const bool known = before != statuses_.end() && before->first == key;
    if (known && stamper.same(status, *said_before)) {
      status = before->second;
    } else {
      status = stamper.stamped(status, known ? &before->second : nullptr);
      ++versions_[key];
    }
    if (known) pass();
  }
  for (; before != statuses_.end(); pass()) versions_.erase(before->first);
  statuses_ = std::move(fresh);
  said_ = std::move(said);
}

const json::object* StatusStore::find(const Key& key) const {
  auto found = statuses_.find(key);
  return found == statuses_.end() ? nullptr : &*found->second;
}

std::uint64_t StatusStore::version(const Key& key) const {
  auto found = versions_.find(key);
  return found == versions_.end() ? 0 : found->second;
}

}  // namespace tidegate::controlloop::status
