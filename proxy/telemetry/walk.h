#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/runtime/stats.h"

namespace tidegate::proxy::telemetry {

using Label = std::pair<std::string, std::string>;
enum class MetricType { kCounter, kGauge, kHistogram };
using Buckets = std::array<std::uint64_t, kHistogramBounds.size() + 1>;  // not cumulative

/// Whose metrics they are: a cluster, a listener.
struct Owner {
  std::string dotted;  // "cluster.NAME."
  std::vector<Label> labels;
  std::string labels_text;  // `envoy_cluster_name="NAME"`, escaped
};

/// `name="value"`, with what Prometheus' format escapes.
std::string label_text(const Label& label);

/// Who walks over all metrics gets one family after the other, whole: what many clusters have in
/// common is made once.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  /// Whether families of this type are to come at all.
  virtual bool wants(MetricType /*type*/) const { return true; }
  /// What follows is of this family.
  virtual void family(const std::string& name, MetricType type) = 0;
  /// `dotted`: the name behind the owner's. `more`: a label that comes before the owner's; null:
  /// none.
  virtual void value(const Owner& owner, std::string_view dotted, const Label* more,
                     std::uint64_t value) = 0;
  virtual void histogram(const Owner& owner, std::string_view dotted, const Buckets& buckets,
                         double sum) = 0;
};

/// All of the store, summed over the workers. Clusters that have been gone for longer than
/// StatsStore::kKept are left out. Source: metrics.md.
void walk(const StatsStore& stats, MetricSink& sink);

}  // namespace tidegate::proxy::telemetry
