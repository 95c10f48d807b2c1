#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/kinds/core/endpoint_slice.h"
#include "config/kinds/core/service.h"
#include "config/kinds/gateway/references.h"
#include "config/kinds/kgateway/backend.h"
#include "config/object_set.h"
#include "controlloop/status/status.h"
#include "controlloop/translate/aws_backend.h"
#include "controlloop/translate/backend_config.h"
#include "controlloop/translate/backend_tls.h"
#include "proxy/snapshot/snapshot.h"

namespace tidegate::controlloop::translate {

/// What a reference to a backend led to.
struct ResolvedBackend {
  std::string cluster;  // name in Snapshot::clusters; empty: it does not resolve
  std::string reason;   // of ResolvedRefs: False; empty: it does
  std::string message;
  std::string filter;  // one of Snapshot::shared_filters, the last on the way there; empty: none
};

/// The backends of one translation: resolves references, and adds the clusters they need to the
/// snapshot. Source: Gateway API BackendObjectReference; GEP-1911 (appProtocol).
class Backends {
 public:
  /// All outlive it.
  Backends(const config::ObjectSet& objects, proxy::Snapshot& snapshot, BackendTls& tls,
           BackendConfigs& configs, const AwsEndpoints& aws = {});

  /// A reference of an object of `group` and `kind` in `namespace_`.
  /// kHttp2: whatever its Service says, this use of it is HTTP/2.
  enum class Speaks { kAsItSays, kHttp2 };
  ResolvedBackend resolve(std::string_view kind, const std::string& namespace_,
                          const config::BackendObjectRef& ref, Speaks speaks = Speaks::kAsItSays,
                          std::string_view group = config::kGatewayGroup);
  /// The same for a rule of an HTTPRoute, which also may have what only a filter can reach
  /// (ResolvedBackend::filter): a function.
  ResolvedBackend resolve_for_rule(std::string_view kind, const std::string& namespace_,
                                   const config::BackendObjectRef& ref);
  const config::ObjectSet& objects() const { return objects_; }
  /// The same endpoints without TLS of ours, for what is TLS already. The name of a cluster.
  std::string without_tls(const std::string& cluster);
  void statuses(status::Statuses& out, status::Report& report) const;

 private:
  ResolvedBackend resolve_backend(std::string_view group, std::string_view kind,
                                  const std::string& namespace_,
                                  const config::BackendObjectRef& ref, Speaks speaks);
  AwsBackends::Problem backend_problem(const config::kgateway::Backend& backend) const;
  void set_hosts(const config::kgateway::Backend& backend, proxy::Cluster& cluster);
  std::vector<proxy::Endpoint> endpoints_of(const config::Service& service,
                                            const config::ServicePort& port) const;

  const config::ObjectSet& objects_;
  proxy::Snapshot& snapshot_;
  BackendTls& tls_;
  BackendConfigs& configs_;
  AwsBackends aws_;
  std::map<config::NamespacedName, std::vector<const config::EndpointSlice*>>
      slices_;  // by Service
};

}  // namespace tidegate::controlloop::translate
