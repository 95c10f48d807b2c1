#pragma once

#include <vector>

#include "base/metric.h"
#include "config/object_set.h"
#include "controlloop/status/status.h"

namespace tidegate::controlloop {

/// gatewayapi_*: classes, Gateways, listeners and routes with their statuses, under the names that
/// kube-state-metrics gives them by the Gateway API dashboards' configuration. Nothing of routes
/// where there are more than `routes_max`. Source: metrics.md, "Object state".
std::vector<Metric> object_metrics(const config::ObjectSet& objects,
                                   const status::Statuses& statuses, std::size_t routes_max = 1000);

}  // namespace tidegate::controlloop
