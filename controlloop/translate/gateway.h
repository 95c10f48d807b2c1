#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controlloop/translate/listener.h"

namespace tidegate::controlloop::translate {

/// A ListenerSet that names one of our Gateways. Its listeners are in GatewayState::listeners if it
/// is allowed to.
struct ListenerSetState {
  std::shared_ptr<const config::ListenerSet> set;
  bool allowed = false;
};

struct GatewayState {
  std::shared_ptr<const config::Gateway> gateway;
  std::vector<std::string> addresses;             // that it binds
  std::vector<config::GatewayAddress> published;  // status.addresses
  std::vector<status::Condition> conditions;      // all but Programmed
  std::vector<ListenerState> listeners;           // its own, then those of its ListenerSets
  std::vector<ListenerSetState> listener_sets;    // oldest first
  std::string client_certificate;  // towards backends: name in Snapshot::certificates; may be empty
};

/// All Gateways that are ours, with addresses, and listeners that are valid, in conflict or without
/// a certificate: oldest first. Certificates go into `snapshot`. Source: Gateway API Gateway,
/// ListenerSet; GEP-1713; GEP-1867; GEP-3155.
std::vector<std::shared_ptr<GatewayState>> read_gateways(const config::ObjectSet& objects,
                                                         const Options& options,
                                                         proxy::Snapshot& snapshot, Report& report);

/// The names of the GatewayClasses that are ours, built-in ones included.
std::set<std::string> our_classes(const config::ObjectSet& objects, const Options& options);

}  // namespace tidegate::controlloop::translate
