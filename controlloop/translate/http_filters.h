#pragma once

#include <string>
#include <vector>

#include "config/kinds/gateway/http_route.h"
#include "config/object_set.h"
#include "controlloop/translate/backend.h"
#include "controlloop/translate/report.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// What the filters of a rule (or of a backendRef) came to.
struct TranslatedFilters {
  std::vector<proxy::Filter> filters;
  std::optional<proxy::Redirect> redirect;
  std::string unresolved;   // reason of ResolvedRefs: False; empty: all resolve
  std::string unsupported;  // what cannot be done: the rule answers 500
  std::string message;
};

/// Source: HTTPRouteFilter, GRPCRouteFilter; `kind` is the route's. `path` is that of the list, for
/// problems: "spec.rules[0].filters".
TranslatedFilters translate_filters(const char* kind, const config::HttpRoute& route,
                                    const std::vector<config::HttpRouteFilter>& filters,
                                    const std::string& path, Backends& backends, Report& report);

}  // namespace tidegate::controlloop::translate
