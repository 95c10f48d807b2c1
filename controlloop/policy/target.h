#pragma once

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/references.h"
#include "config/object_set.h"
#include "controlloop/status/report.h"

namespace tidegate::controlloop::policy {

inline constexpr const char* kPolicyGroup = "gateway.kgateway.dev";

/// An object to which policies are attached, or a named section of it: a listener of a Gateway or
/// ListenerSet, a rule of a route, a port of a Service.
struct Target {
  std::string group;
  std::string kind;
  config::NamespacedName name;
  std::string section;  // empty: the whole object
  auto operator<=>(const Target&) const = default;
};

/// All objects of a kind that have these labels. Source: LocalPolicyTargetSelectorWithSectionName.
struct TargetSelector {
  std::string group;
  std::string kind;
  std::map<std::string, std::string> match_labels;
  std::optional<std::string> section_name;
};

/// What all kinds of policies have in common, whatever they say.
struct PolicyObject {
  const char* kind = "";               // "TrafficPolicy"
  const config::Meta* meta = nullptr;  // lives as long as the object
  std::vector<config::PolicyTargetRef> refs;
  std::vector<TargetSelector> selectors;
  bool valid = true;  // false: an API server would have refused it
};

/// A policy in a list of them.
using PolicyIndex = std::uint32_t;

/// Which policies of one kind are attached to what. A policy reaches objects of its own namespace;
/// selectors of one in the global namespace reach all.
/// Source: kgateway guides about/policies, about/policies/global-attachment.
class Attachments {
 public:
  /// All outlive it. `global_namespace` empty: there is none.
  Attachments(std::vector<PolicyObject> policies, const config::ObjectSet& objects,
              const std::string& global_namespace, status::Report& report);

  /// Oldest first, which is the order in which they count at one target.
  const std::vector<PolicyObject>& policies() const { return policies_; }
  /// Those attached to it, oldest first.
  const std::vector<PolicyIndex>& at(const Target& target) const;
  /// A policy by its name: an ExtensionRef. Nothing where there is none.
  std::optional<PolicyIndex> find(const config::NamespacedName& name) const;
  /// Why some target of a policy is not there; empty: all are.
  const std::string& missing(PolicyIndex policy) const { return missing_[policy]; }

 private:
  void attach(PolicyIndex policy, const config::ObjectSet& objects,
              const std::string& global_namespace, status::Report& report);

  std::vector<PolicyObject> policies_;
  std::vector<std::string> missing_;
  std::map<Target, std::vector<PolicyIndex>> by_target_;
  std::map<config::NamespacedName, PolicyIndex> by_name_;
};

/// Listeners of a Gateway or ListenerSet, or the one of that name.
struct ListenerNames {
  std::vector<std::string> http;   // HTTP and HTTPS
  std::vector<std::string> other;  // streams and datagrams
};
ListenerNames listeners_of(const config::Object& object, std::string_view section);

/// Whether the object has a listener, rule or port of that name.
bool has_section(const config::Object& object, std::string_view section);

}  // namespace tidegate::controlloop::policy
