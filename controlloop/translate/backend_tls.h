#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/kinds/core/service.h"
#include "config/kinds/gateway/backend_tls_policy.h"
#include "config/object_set.h"
#include "controlloop/status/report.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/gateway.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

using Report = status::Report;

/// The BackendTLSPolicies of one translation. Of those for one port of a Service the oldest counts;
/// one that names the port counts before one that does not. One that is not valid closes the way to
/// its backends: they are never spoken to in the clear instead. Source: Gateway API
/// BackendTLSPolicy; GEP-713 on conflicts.
class BackendTls {
 public:
  BackendTls(const config::ObjectSet& objects, Report& report);

  /// Sets a cluster's TLS where a policy is for its port of the Service, and remembers the policies
  /// that are about it.
  void apply(const config::Service& service, const std::string& port_name, proxy::Cluster& cluster);

  /// Notes which Gateways lead to which policies, and has those with a client certificate show it:
  /// to backends, to the services of filters, and to collectors.
  void finish(const std::vector<std::shared_ptr<GatewayState>>& gateways,
              proxy::Snapshot& snapshot);
  void statuses(const std::string& controller_name, status::Statuses& out) const;

 private:
  class Callers;
  struct Policy {
    std::shared_ptr<const config::BackendTlsPolicy> object;
    proxy::UpstreamTls tls;
    std::vector<status::Condition> conditions;
    bool counts = false;                         // for one of its targets at least
    std::set<config::NamespacedName> ancestors;  // Gateways
    bool accepted() const { return status::is_true(conditions, "Accepted"); }
  };
  void add(std::shared_ptr<const config::BackendTlsPolicy> object, bool valid,
           const config::ObjectSet& objects, Report& report);

  std::vector<std::unique_ptr<Policy>> policies_;  // oldest first
  /// By Service and port name (empty: all ports); oldest first.
  std::map<std::pair<config::NamespacedName, std::string>, std::vector<Policy*>> by_target_;
  std::map<std::string, std::vector<Policy*>> by_cluster_;
};

}  // namespace tidegate::controlloop::translate
