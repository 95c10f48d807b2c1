#pragma once

#include <optional>
#include <string>

#include "config/fields/meta.h"
#include "config/kinds/gateway/references.h"

namespace tidegate::config {

/// Source: Gateway API GatewayClass. Cluster-scoped.
struct GatewayClass {
  Meta meta;
  std::string controller_name;
  std::string description;
  std::optional<ObjectRef> parameters_ref;
  bool operator==(const GatewayClass&) const = default;
};

}  // namespace tidegate::config
