#pragma once

#include <vector>

#include "config/fields/meta.h"
#include "config/kinds/gateway/listener.h"

namespace tidegate::config {

/// Listeners that join a Gateway's. Source: Gateway API ListenerSet (GEP-1713).
struct ListenerSet {
  Meta meta;
  ParentRef parent_ref;  // section_name and port stay absent
  std::vector<ListenerSpec> listeners;
  bool operator==(const ListenerSet&) const = default;
};

}  // namespace tidegate::config
