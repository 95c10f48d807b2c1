#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/kinds/gateway/gateway.h"
#include "config/object_set.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/precedence.h"
#include "controlloop/translate/report.h"
#include "controlloop/translate/translate.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// What a listener serves under one host name.
struct HostState {
  std::string kind;  // of its routes: HTTPRoute or GRPCRoute, never both
  RankedEntries entries;
};

/// One listener of a Gateway, as far as it has been judged.
struct ListenerState {
  const config::ListenerSpec* spec = nullptr;  // lives as long as the Gateway object
  std::size_t index = 0;
  std::vector<std::string> supported_kinds;   // of Gateway API's group
  std::vector<status::Condition> conditions;  // all but Programmed
  std::vector<std::string> certificates;      // names in Snapshot::certificates
  std::set<std::pair<std::string, config::NamespacedName>> routes;  // attached: kind, name
  std::string snapshot_listener;  // that it is a site of; empty: not served
  proxy::RouteTable table;
  std::map<std::string, HostState> hosts;  // what table.hosts is made of
  std::set<std::string> kinds_attached;

  bool accepted() const { return status::is_true(conditions, "Accepted"); }
  bool served() const { return !snapshot_listener.empty(); }
};

struct GatewayState {
  std::shared_ptr<const config::Gateway> gateway;
  std::vector<std::string> addresses;             // that it binds
  std::vector<config::GatewayAddress> published;  // status.addresses
  std::vector<status::Condition> conditions;      // all but Programmed
  std::vector<ListenerState> listeners;
};

/// All Gateways that are ours, with addresses, and listeners that are valid, in conflict or without
/// a certificate: oldest first. Certificates go into `snapshot`. Source: Gateway API Gateway;
/// GEP-1713; GEP-1867.
std::vector<std::shared_ptr<GatewayState>> read_gateways(const config::ObjectSet& objects,
                                                         const Options& options,
                                                         proxy::Snapshot& snapshot, Report& report);

/// Puts each listener that is served into the snapshot: one proxy listener an address and port.
void place_listeners(std::vector<std::shared_ptr<GatewayState>>& gateways, const Options& options,
                     proxy::Snapshot& snapshot, Report& report);

/// The names of the GatewayClasses that are ours, built-in ones included.
std::set<std::string> our_classes(const config::ObjectSet& objects, const Options& options);

}  // namespace tidegate::controlloop::translate
