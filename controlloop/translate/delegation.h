#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/gateway/http_route.h"
#include "config/object_set.h"
#include "controlloop/status/report.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/precedence.h"
#include "controlloop/translate/route_parents.h"

namespace tidegate::controlloop::translate {

/// A route, and the rule of it by which requests come this far.
struct RuleStep {
  std::shared_ptr<const config::HttpRoute> route;
  std::size_t rule = 0;

  const config::HttpRouteRule& spec() const { return route->rules[rule]; }
};

/// A rule as it is served: a route's own, or that of a child to which the route delegates.
struct ServedRule {
  std::vector<RuleStep> steps;       // from the route that is attached to the one whose rule it is
  std::vector<RankedMatch> matches;  // at least one
  std::string replaced;  // why it answers 500 in the place of what it says; empty: it does not

  const RuleStep& own() const { return steps.back(); }
};

/// What is wrong with the rules of each route that takes part, by its name.
using FindingsByRoute = std::map<config::NamespacedName, RouteFindings>;

/// Route delegation: a backendRef of kind HTTPRoute, or a label, in the place of backends.
/// A child's rule is served where its match lies within its parent's: the same host names, a path
/// below the parent's prefix, the same fields, parameters and method. Stricter than kgateway: below
/// means whole segments, and what an expression matches must lie below the prefix too.
/// Source: kgateway guides, traffic-management/route-delegation.
class Delegation {
 public:
  // For each reference of an attached route, so that no other goes without.
  static constexpr std::size_t kChildrenMax = 20'000;  // visited
  static constexpr std::size_t kMatchesMax = 50'000;   // served
  static constexpr std::size_t kDepthMax = 16;

  /// Both outlive it.
  Delegation(const config::ObjectSet& objects, Report& report)
      : objects_(objects), report_(report) {}

  static bool is_delegate(const config::BackendRef& ref);

  /// The rules that an attached route leads to; without `delegates` just its own. `matches` are
  /// its own, rule by rule.
  std::vector<ServedRule> serve(const std::shared_ptr<const config::HttpRoute>& root,
                                const std::vector<std::vector<RankedMatch>>& matches,
                                bool delegates, FindingsByRoute& findings);

  /// Adds to the statuses of all children what came of them under each parent.
  void statuses(const std::string& controller_name, const FindingsByRoute& findings,
                status::Statuses& out) const;

 private:
  using RoutePtr = std::shared_ptr<const config::HttpRoute>;
  struct Walk;
  /// What came of a child under one parent.
  struct Adopted {
    bool served = false;
    std::string refused;  // why not
  };

  void one_rule(Walk& walk, const RuleStep& step, const config::HttpRouteMatch& match,
                std::string_view below);
  std::string delegate(Walk& walk, const RuleStep& step, const config::HttpRouteMatch& match,
                       const config::BackendRef& ref, const std::string& path);
  bool child_rules(Walk& walk, const RoutePtr& child, const config::HttpRouteMatch& match,
                   Adopted& adopted);
  const std::vector<RoutePtr>& children(const std::string& own_namespace,
                                        const config::BackendRef& ref);
  void read_routes();

  const config::ObjectSet& objects_;
  Report& report_;
  bool read_ = false;
  std::map<std::string, std::vector<RoutePtr>> by_namespace_;  // oldest first
  std::map<std::string, std::vector<RoutePtr>> by_label_;      // of all namespaces
  std::map<std::pair<std::string, std::string>, std::vector<RoutePtr>> by_namespace_and_label_;
  std::map<config::NamespacedName, std::vector<RoutePtr>> by_name_;
  std::map<config::NamespacedName, std::map<config::NamespacedName, Adopted>> adopted_;  // by child
};

/// The child's match within its parent's, or nothing. Without inheritance the child must say itself
/// what its parent says; with it, its path goes on where the parent's ends.
std::optional<config::HttpRouteMatch> within(const config::HttpRouteMatch& parent,
                                             const config::HttpRouteMatch& child, bool inherit);

}  // namespace tidegate::controlloop::translate
