#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controlloop/translate/attach.h"

namespace tidegate::controlloop::translate {

/// What was last said of a route, and its status. The next route mostly says the same of the same
/// parents. The references live as long as the route that was translated.
struct LastSaid {
  using Parents = std::vector<std::pair<const config::ParentRef*, std::vector<status::Condition>>>;
  std::int64_t generation = 0;
  Parents parents;
  status::Status status;
};

/// What a translation of routes reads and writes.
struct RouteContext {
  const config::ObjectSet& objects;
  const Options& options;
  const std::vector<std::shared_ptr<GatewayState>>& gateways;
  status::Statuses& statuses;
  Report& report;
  LastSaid last;
};

/// What is wrong with a route's own rules, as its conditions say it.
struct RouteFindings {
  std::string unresolved;  // reason of ResolvedRefs: False; empty: all resolve
  std::string unresolved_message;
  std::string invalid;  // message of PartiallyInvalid: True; empty: all rules are served

  /// The first reason stays.
  void add_unresolved(const std::string& reason, const std::string& message);
};

/// The conditions ResolvedRefs and PartiallyInvalid that follow from them.
void add_findings(std::vector<status::Condition>& conditions, const RouteFindings& findings);

/// Attaches a route to the listeners of all its parents, and says in its status what became of each
/// one. `translate` is called once, if any parent is ours; `take` then once for each listener, with
/// `last` where no other comes: it returns why the listener cannot have the route, or nothing, and
/// may find more that is wrong.
/// Source: Gateway API RouteStatus.
void attach_route(
    RouteContext& context, const RouteIdentity& route,
    const std::vector<config::ParentRef>& parent_refs,
    const std::function<RouteFindings()>& translate,
    const std::function<std::string(const Attachment&, RouteFindings&, bool last)>& take);

/// The status of a route that is not valid.
void refuse_route(RouteContext& context, const char* kind, const config::Meta& meta,
                  const std::vector<config::ParentRef>& parent_refs, const std::string& message);

}  // namespace tidegate::controlloop::translate
