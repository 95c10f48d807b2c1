#pragma once

#include <map>
#include <string>

#include "base/secret.h"
#include "config/fields/meta.h"

namespace tidegate::config {

/// Source: Kubernetes core/v1 Secret.
struct SecretObject {
  Meta meta;
  std::string type = "Opaque";                   // kubernetes.io/tls, ...
  std::map<std::string, tidegate::Secret> data;  // decoded; `stringData` merged over `data`
  bool operator==(const SecretObject&) const = default;
};

}  // namespace tidegate::config
