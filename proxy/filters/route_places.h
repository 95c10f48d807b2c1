#pragma once

#include <map>
#include <string>
#include <vector>

#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::filters {

/// A match of a rule on one host name of one site: what Envoy calls a route.
struct RoutePlace {
  const Listener* listener = nullptr;
  const Site* site = nullptr;
  const VirtualHost* host = nullptr;
  const RouteEntry* entry = nullptr;
  std::size_t number = 0;  // of the rule's matches on that host
};

/// Where the shared filters of a snapshot stand, for those that keep something for each place. Made
/// when the first one asks. The snapshot outlives it. Control thread.
class RoutePlaces {
 public:
  explicit RoutePlaces(const Snapshot& snapshot) : snapshot_(snapshot) {}
  /// By the filter's name in Snapshot::shared_filters.
  const std::vector<RoutePlace>& of(const std::string& filter);

 private:
  void read();

  const Snapshot& snapshot_;
  bool known_ = false;
  std::map<std::string, std::vector<RoutePlace>> places_;
};

}  // namespace tidegate::proxy::filters
