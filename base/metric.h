#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tidegate {

/// One value that a house wants shown on the metrics port, under a Prometheus name of its own.
struct Metric {
  enum class Type { kCounter, kGauge, kHistogram };
  std::string name;  // "tidegate_config_reloads_total"
  std::string help;
  Type type = Type::kGauge;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;  // kHistogram: the sum of what was recorded
  /// kHistogram: upper bounds, and what was recorded at or below each; then, without a bound, all.
  std::vector<std::pair<double, std::uint64_t>> buckets;
  std::uint64_t count = 0;
};

}  // namespace tidegate
