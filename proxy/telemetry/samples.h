#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proxy/runtime/stats.h"
#include "proxy/telemetry/walk.h"

namespace tidegate::proxy::telemetry {

/// The value below which `percent` of what was recorded lies, interpolated within its bucket; NaN
/// where nothing was. The bucket without end counts as its beginning.
double quantile_of(const Buckets& buckets, double percent);

/// One metric, summed over the workers.
struct Sample {
  using Type = MetricType;
  std::string dotted;  // Envoy's name: "cluster.kube_a_b_80.upstream_rq_2xx"
  std::string family;  // Prometheus's: "envoy_cluster_upstream_rq_xx"
  std::vector<Label> labels;
  Type type = Type::kCounter;
  std::uint64_t value = 0;
  Buckets buckets{};  // kHistogram
  double sum = 0;
  bool touched = false;  // a counter that was reset stays in view

  std::uint64_t count() const;
  bool used() const { return touched || value != 0 || count() != 0; }
  double quantile(double percent) const;
};

/// What counters stood at when they were last reset, by their dotted name.
using Baseline = std::map<std::string, std::uint64_t>;
/// Counts from `baseline` on.
void subtract(std::vector<Sample>& samples, const Baseline& baseline);

/// All metrics of the store, by kind and name of what they count. Source: metrics.md.
std::vector<Sample> collect(const StatsStore& stats);

}  // namespace tidegate::proxy::telemetry
