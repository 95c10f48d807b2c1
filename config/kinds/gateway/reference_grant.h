#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/fields/meta.h"

namespace tidegate::config {

/// Lets objects of other namespaces refer to objects of its own. Source: Gateway API
/// ReferenceGrant.
struct ReferenceGrant {
  struct From {
    std::string group;
    std::string kind;
    std::string namespace_;
    bool operator==(const From&) const = default;
  };
  struct To {
    std::string group;
    std::string kind;
    std::optional<std::string> name;  // absent: all of that kind
    bool operator==(const To&) const = default;
  };
  Meta meta;
  std::vector<From> from;
  std::vector<To> to;
  bool operator==(const ReferenceGrant&) const = default;
};

}  // namespace tidegate::config
