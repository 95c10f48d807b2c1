#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tidegate {

/// One value that a house wants shown on the metrics port, under a Prometheus name of its own.
struct Metric {
  enum class Type { kCounter, kGauge };
  std::string name;  // "tidegate_config_reloads_total"
  std::string help;
  Type type = Type::kGauge;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

}  // namespace tidegate
