#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <string>
#include <vector>

#include "proxy/snapshot/snapshot.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::admin {

/// When and as what a snapshot is served.
struct DumpVersion {
  std::string version;       // "42"
  std::string last_updated;  // RFC 3339
};

/// The snapshot in Envoy's words: the fields that scripts made for Envoy's config dump read, each
/// an entry of `configs`. Not the whole truth: that is the snapshot itself. No secrets.
/// Source: admin.md, /config_dump; envoy.admin.v3.
boost::json::object clusters_dump(const Snapshot& snapshot, const DumpVersion& version);
boost::json::object endpoints_dump(
    const Snapshot& snapshot,
    const std::map<std::string, std::vector<upstream::Address>>& addresses);
boost::json::object listeners_dump(const Snapshot& snapshot, const DumpVersion& version);
boost::json::object routes_dump(const Snapshot& snapshot, const DumpVersion& version);
boost::json::object secrets_dump(const Snapshot& snapshot, const DumpVersion& version);

/// {"socket_address": {"address": ..., "port_value": ...}}
boost::json::object socket_address(const std::string& address, int port);

}  // namespace tidegate::proxy::admin
