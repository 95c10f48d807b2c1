#include "proxy/filters/route_places.h"

namespace tidegate::proxy::filters {

const std::vector<RoutePlace>& RoutePlaces::of(const std::string& filter) {
  if (!known_) read();
  known_ = true;
  return places_[filter];
}

void RoutePlaces::read() {
  for (const Listener& listener : snapshot_.listeners) {
    for (const Site& site : listener.sites) {
      for (const VirtualHost& host : site.routes.hosts) {
        std::map<std::uint32_t, std::size_t> seen;  // matches of a rule
        for (const RouteEntry& entry : host.entries) {
          const std::size_t number = seen[entry.rule]++;
          for (const Filter& filter : site.routes.rules[entry.rule].filters) {
            if (const auto* shared = std::get_if<SharedFilter>(&filter))
              places_[shared->name].push_back({&listener, &site, &host, &entry, number});
          }
        }
      }
    }
  }
}

}  // namespace tidegate::proxy::filters
