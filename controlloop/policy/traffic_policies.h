#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlloop/policy/merge.h"
#include "controlloop/policy/policy_status.h"
#include "controlloop/policy/traffic_field.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::policy {

/// The listener that a route is served by.
struct ListenerPlace {
  const config::Meta* gateway = nullptr;
  const config::Meta* listener_set = nullptr;  // null: the Gateway's own listener
  std::string section;                         // the listener's name
};

/// A rule of a route on the way to the one that is served: its own, and those that delegated to it.
struct RulePlace {
  const char* kind = "HTTPRoute";
  const config::Meta* route = nullptr;
  std::string section;                  // the rule's name; may be empty
  std::vector<std::string> extensions;  // TrafficPolicies that its ExtensionRef filters name
};

/// The TrafficPolicies of one translation: which of them hold for a rule, merged field by field.
/// What a policy makes stands once in the snapshot, whatever the number of its routes.
/// Source: kgateway guides about/policies/trafficpolicy, about/policies/merging.
class TrafficPolicies {
 public:
  /// All outlive it.
  TrafficPolicies(const config::ObjectSet& objects, const std::string& global_namespace,
                  References& references, proxy::Snapshot& snapshot, status::Report& report);

  /// Puts what holds for a rule into it. `steps` go from the attached route to the one whose rule
  /// it is. Why the rule cannot be served: a policy that holds for it is invalid, or is not there;
  /// empty: it can.
  std::string apply(const ListenerPlace& listener, const std::vector<RulePlace>& steps,
                    proxy::Rule& rule);

  void statuses(const std::string& controller_name, status::Statuses& out) const;

 private:
  /// A policy with all its fields checked.
  struct Compiled {
    std::vector<PlacedFilters> filters;  // by field
  };
  /// What a field is taken from: one policy, or several that are united; none: it is not given.
  struct Source {
    std::vector<PolicyIndex> policies;
    Level::Place place = Level::Place::kRoute;  // of a field that depends on it
    auto operator<=>(const Source&) const = default;
  };
  /// What holds for all rules with the same choice.
  struct Chain {
    struct Entry {
      Position position;
      std::size_t field;
      proxy::SharedFilter filter;
    };
    std::vector<Entry> filters;  // in order
    std::vector<std::pair<void (*)(const TrafficPolicy&, proxy::Rule&), const TrafficPolicy*>>
        settings;
    std::string name;  // in Snapshot::policies; empty: no field
  };

  /// What is attached to a listener and what it stands in.
  struct Listener {
    std::vector<Level> levels;
    std::string invalid;           // why nothing below it can be served
    const Chain* alone = nullptr;  // of rules without policies of their own
  };

  const Compiled& compiled(PolicyIndex policy);
  const Listener& listener(const ListenerPlace& place);
  Level route_level(const RulePlace& place, std::string& missing) const;
  const Chain& chain(const Choice& choice, const std::vector<Level>& levels);
  void add_field(std::size_t field, const Source& source, Chain& out,
                 std::vector<proxy::PolicyField>& named);
  static void put(const Chain& chain, proxy::Rule& rule);
  void note(const Choice& choice, const std::vector<Level>& levels, std::size_t count,
            const Target& ancestor);
  std::string invalid(const std::vector<Level>& levels);

  const config::ObjectSet& objects_;
  References& references_;
  proxy::Snapshot& snapshot_;
  status::Report& report_;
  Attachments attachments_;
  std::vector<std::shared_ptr<const TrafficPolicy>> policies_;  // as in attachments_
  PolicyStatuses statuses_;
  std::vector<FieldSet> given_;
  std::vector<std::unique_ptr<Compiled>> compiled_;
  std::map<std::pair<const config::Meta*, std::string>, Listener> listeners_;
  /// By what is chosen.
  std::map<std::vector<Source>, std::unique_ptr<Chain>> chains_;
};

}  // namespace tidegate::controlloop::policy
