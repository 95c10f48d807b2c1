#pragma once

#include <string>

#include "proxy/snapshot/origin.h"

namespace tidegate::proxy {

/// A route that a parent does not take: no part of the snapshot, and often what somebody looks for
/// who wonders where a request went.
struct Unserved {
  Origin origin;
  std::string parent;   // "Gateway default/g", with " listener NAME" where one is named
  std::string gateway;  // "default/g"; empty: the parent is no Gateway
  std::string why;      // "NotAllowedByListeners: ..."
  bool operator==(const Unserved&) const = default;
};

}  // namespace tidegate::proxy
