#pragma once

#include "config/fields/meta.h"

namespace tidegate::config {

/// Labels for selectors. Source: Kubernetes core/v1 Namespace. Cluster-scoped.
struct Namespace {
  Meta meta;
  bool operator==(const Namespace&) const = default;
};

}  // namespace tidegate::config
