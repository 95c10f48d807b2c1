#pragma once

#include <memory>
#include <vector>

#include "controlloop/translate/gateway.h"

namespace tidegate::controlloop::translate {

/// Attaches all HTTPRoutes and GRPCRoutes: fills the route tables of their listeners, and says in
/// `statuses` what became of each parent. Source: Gateway API HTTPRoute, GRPCRoute.
void translate_http_routes(const config::ObjectSet& objects, const Options& options,
                           const std::vector<std::shared_ptr<GatewayState>>& gateways,
                           proxy::Snapshot& snapshot, status::Statuses& statuses, Report& report);

}  // namespace tidegate::controlloop::translate
