#pragma once

#include "controlloop/policy/traffic_policies.h"
#include "controlloop/translate/backend.h"
#include "controlloop/translate/route_parents.h"

namespace tidegate::controlloop::translate {

/// Attaches all HTTPRoutes and GRPCRoutes: fills the route tables of their listeners, and says in
/// their statuses what became of each parent, and of each child that they delegate to.
/// Source: Gateway API HTTPRoute, GRPCRoute.
void translate_http_routes(RouteContext& context, Backends& backends,
                           policy::TrafficPolicies& policies);

}  // namespace tidegate::controlloop::translate
