#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy::admin {

/// A listener's routes in Envoy's words (envoy.config.route.v3.RouteConfiguration): one for all
/// plain sites, one for each HTTPS site.
std::vector<boost::json::object> route_configs(const Listener& listener);
/// "listener~8080", "listener~443~www_example_com".
std::string route_config_name(const Listener& listener, const Site& site);

/// "cluster" or "weighted_clusters".
void add_clusters(boost::json::object& to, const std::vector<WeightedCluster>& clusters);

/// "envoy.filters.http.cors"; empty where Envoy does it in the route itself.
std::string envoy_filter_name(const Filter& filter, const Snapshot& snapshot);

}  // namespace tidegate::proxy::admin
