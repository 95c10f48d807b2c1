#pragma once

#include <vector>

#include "base/metric.h"
#include "proxy/admin/pages.h"
#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::admin {

/// What the server says of itself: envoy_server_*, envoy_cluster_manager_*,
/// envoy_listener_manager_*, the members of each cluster, the certificates' expiry.
/// Source: metrics.md.
std::vector<telemetry::Sample> server_samples(const AdminContext& context);

/// process_*, as Prometheus' own clients call them.
std::vector<Metric> process_metrics(const AdminContext& context);

}  // namespace tidegate::proxy::admin
