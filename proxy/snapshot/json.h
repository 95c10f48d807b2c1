#pragma once

#include <boost/json/value.hpp>

#include "proxy/snapshot/snapshot.h"

namespace tidegate::proxy {

/// Parts of a snapshot in the form in which to_json(Snapshot) prints them.
boost::json::value to_json(const Rule& rule);
boost::json::value to_json(const Filter& filter);
boost::json::value to_json(const Cluster& cluster);
boost::json::value to_json(const FilterSettings& settings);

}  // namespace tidegate::proxy
