#pragma once

#include "controlloop/translate/backend.h"
#include "controlloop/translate/route_parents.h"

namespace tidegate::controlloop::translate {

/// Attaches all HTTPRoutes and GRPCRoutes: fills the route tables of their listeners, and says in
/// their statuses what became of each parent. Source: Gateway API HTTPRoute, GRPCRoute.
void translate_http_routes(RouteContext& context, Backends& backends);

}  // namespace tidegate::controlloop::translate
