#pragma once

#include <string>
#include <vector>

#include "base/metric.h"
#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::telemetry {

/// Prometheus's text format 0.0.4, or OpenMetrics 1.0, where a counter whose name does not end in
/// _total is of type unknown, so that its name stays.
std::string prometheus_text(const std::vector<Sample>& samples, const std::vector<Metric>& extra,
                            bool open_metrics);

}  // namespace tidegate::proxy::telemetry
