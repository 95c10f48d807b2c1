#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/kinds/gateway/http_route.h"
#include "config/object_set.h"
#include "controlloop/status/report.h"
#include "controlloop/translate/backend.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

using Report = status::Report;

/// What the filters of a rule (or of a backendRef) came to.
struct TranslatedFilters {
  std::vector<proxy::Filter> filters;
  std::optional<proxy::Redirect> redirect;
  std::optional<proxy::DirectResponse> direct;
  std::string unresolved;   // reason of ResolvedRefs: False; empty: all resolve
  std::string unsupported;  // what cannot be done: the rule answers 500
  std::string message;
};

/// An ExtensionRef to a TrafficPolicy: policy::TrafficPolicies' business.
bool names_policy(const config::LocalObjectRef& ref);

/// Kinds of filters that are not to be looked at.
using FilterTypes = std::set<config::HttpFilterType>;

/// Source: HTTPRouteFilter, GRPCRouteFilter; `kind` is the route's. `path` is that of the list, for
/// problems: "spec.rules[0].filters". Those of a type in `without` are left out.
TranslatedFilters translate_filters(const char* kind, const config::HttpRoute& route,
                                    const std::vector<config::HttpRouteFilter>& filters,
                                    const std::string& path, Backends& backends, Report& report,
                                    const FilterTypes& without = {});

/// Puts filters in the order in which they act, those of one kind as they stand.
void order_filters(std::vector<proxy::Filter>& filters);

}  // namespace tidegate::controlloop::translate
