#pragma once

#include <map>
#include <string>

#include "config/fields/meta.h"

namespace tidegate::config {

/// Source: Kubernetes core/v1 ConfigMap.
struct ConfigMap {
  Meta meta;
  std::map<std::string, std::string> data;
  std::map<std::string, std::string> binary_data;  // decoded bytes
  bool operator==(const ConfigMap&) const = default;
};

}  // namespace tidegate::config
