#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace tidegate::controlloop::status {

/// Source: Kubernetes metav1.Condition, without the time, which StatusStore adds.
struct Condition {
  enum class Value { kTrue, kFalse, kUnknown };
  std::string type;
  Value value = Value::kTrue;
  std::string reason;
  std::string message;
  bool operator==(const Condition&) const = default;
};

/// Sets the condition of that type, or adds it.
void set(std::vector<Condition>& conditions, std::string type, Condition::Value value,
         std::string reason, std::string message);
const Condition* find(const std::vector<Condition>& conditions, std::string_view type);
bool is_true(const std::vector<Condition>& conditions, std::string_view type);

/// "conditions" as kubectl reads them; lastTransitionTime is left to StatusStore.
boost::json::array to_json(const std::vector<Condition>& conditions,
                           std::int64_t observed_generation);

/// Which object: its kind, namespace (empty: cluster-scoped) and name.
struct Key {
  std::string kind;
  std::string namespace_;
  std::string name;
  auto operator<=>(const Key&) const = default;
};

/// `.status` of one object. Immutable: objects of which the same is said may share it, and so may
/// translations.
class Status {
 public:
  Status() = default;  // nothing is said
  Status(boost::json::object said)
      : said_(std::make_shared<const boost::json::object>(std::move(said))) {}

  const boost::json::object& operator*() const;
  const boost::json::object* operator->() const { return &**this; }

 private:
  std::shared_ptr<const boost::json::object> said_;
};

/// `.status` of every object that has one.
using Statuses = std::map<Key, Status>;

/// The statuses over time: a condition keeps its lastTransitionTime until its status changes, and
/// an object its resource version until anything of its status does.
class StatusStore {
 public:
  /// `now` is RFC 3339, e.g. "2026-11-24T02:03:08Z".
  void update(Statuses fresh, const std::string& now);

  const Statuses& all() const { return statuses_; }
  /// nullptr where the object has no status.
  const boost::json::object* find(const Key& key) const;
  /// Counts the changes of an object's status; 0: it has none.
  std::uint64_t version(const Key& key) const;

 private:
  Statuses statuses_;         // as they are shown
  std::vector<Status> said_;  // the same without times, in the order of statuses_
  std::map<Key, std::uint64_t> versions_;
};

}  // namespace tidegate::controlloop::status
