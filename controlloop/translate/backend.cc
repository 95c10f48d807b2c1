#include "controlloop/translate/backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/core/endpoint_slice.h"
#include "config/kinds/core/service.h"
#include "controlloop/translate/reference_grant.h"

namespace tidegate::controlloop::translate {
namespace {

/// The ready endpoints of a Service's port. Source: Kubernetes EndpointSlice.
std::vector<proxy::Endpoint> endpoints_of(const config::ObjectSet& objects,
                                          const config::Service& service,
                                          const config::ServicePort& port) {
  std::vector<proxy::Endpoint> out;
  if (service.type == "ExternalName") {
    const int* target = port.target_port ? std::get_if<int>(&*port.target_port) : nullptr;
    out.push_back(
        {service.external_name, static_cast<std::uint16_t>(target ? *target : port.port), 1, ""});
    return out;
  }
  for (const auto& [key, slice] : objects.all<config::EndpointSlice>()) {
    if (key.namespace_ != service.meta.namespace_) continue;
    auto owner = slice->meta.labels.find(config::kServiceNameLabel);
    if (owner == slice->meta.labels.end() || owner->second != service.meta.name) continue;
    for (const config::SlicePort& slice_port : slice->ports) {
      if (slice_port.name != port.name || !slice_port.port) continue;
      for (const config::SliceEndpoint& endpoint : slice->endpoints) {
        if (!endpoint.conditions.ready.value_or(true) && !service.publish_not_ready_addresses)
          continue;
        for (const std::string& address : endpoint.addresses) {
          proxy::Endpoint one{address, static_cast<std::uint16_t>(*slice_port.port), 1,
                              endpoint.zone};
          const bool known =
              std::any_of(out.begin(), out.end(), [&one](const proxy::Endpoint& other) {
                return other.host == one.host && other.port == one.port;
              });
          if (!known) out.push_back(std::move(one));
        }
      }
    }
  }
  return out;
}

}  // namespace

ResolvedBackend resolve_backend(const config::ObjectSet& objects, std::string_view kind,
                                const std::string& namespace_, const config::BackendObjectRef& ref,
                                proxy::Snapshot& snapshot) {
  if (!ref.group.empty() || ref.kind != "Service") {
    return {"", "InvalidKind",
            fmt::format("a backend of kind {}{}{} is not supported", ref.group,
                        ref.group.empty() ? "" : "/", ref.kind)};
  }
  const std::string space = ref.namespace_.value_or(namespace_);
  if (!permitted(objects,
                 {config::kGatewayGroup, kind, namespace_, "", "Service", space, ref.name})) {
    return {"", "RefNotPermitted",
            fmt::format("no ReferenceGrant lets it use Service {}/{}", space, ref.name)};
  }
  const auto* service = objects.find<config::Service>(space, ref.name);
  if (service == nullptr)
    return {"", "BackendNotFound", fmt::format("Service {}/{} does not exist", space, ref.name)};
  if (!ref.port)
    return {"", "BackendNotFound",
            fmt::format("Service {}/{}: the reference has no port", space, ref.name)};
  const auto port = std::find_if(service->ports.begin(), service->ports.end(),
                                 [&ref](const config::ServicePort& one) {
                                   return one.port == *ref.port && one.protocol == "TCP";
                                 });
  if (port == service->ports.end()) {
    return {"", "BackendNotFound",
            fmt::format("Service {}/{} has no port {}", space, ref.name, *ref.port)};
  }
  std::string name = fmt::format("kube_{}_{}_{}", space, ref.name, *ref.port);
  proxy::Cluster& cluster = snapshot.clusters[name];
  if (cluster.name.empty()) {
    cluster.name = name;
    cluster.origin = {"Service",         space, ref.name, port->name, service->meta.file,
                      service->meta.line};
    cluster.endpoints = endpoints_of(objects, *service, *port);
    if (port->app_protocol == "kubernetes.io/h2c")
      cluster.protocol = proxy::UpstreamProtocol::kHttp2;
  }
  return {std::move(name), "", ""};
}

}  // namespace tidegate::controlloop::translate
