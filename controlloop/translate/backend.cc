#include "controlloop/translate/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "controlloop/translate/reference_grant.h"

namespace tidegate::controlloop::translate {

Backends::Backends(const config::ObjectSet& objects, proxy::Snapshot& snapshot, BackendTls& tls,
                   BackendConfigs& configs, const AwsEndpoints& aws)
    : objects_(objects),
      snapshot_(snapshot),
      tls_(tls),
      configs_(configs),
      aws_(objects, snapshot, aws) {
  for (const auto& [key, slice] : objects.all<config::EndpointSlice>()) {
    auto owner = slice->meta.labels.find(config::kServiceNameLabel);
    if (owner != slice->meta.labels.end())
      slices_[{key.namespace_, owner->second}].push_back(slice.get());
  }
}

/// The ready endpoints of a Service's port. Source: Kubernetes EndpointSlice.
std::vector<proxy::Endpoint> Backends::endpoints_of(const config::Service& service,
                                                    const config::ServicePort& port) const {
  std::vector<proxy::Endpoint> out;
  if (service.type == "ExternalName") {
    const int* target = port.target_port ? std::get_if<int>(&*port.target_port) : nullptr;
    out.push_back(
        {service.external_name, static_cast<std::uint16_t>(target ? *target : port.port), 1, ""});
    return out;
  }
  auto slices = slices_.find(service.meta.key());
  if (slices == slices_.end()) return out;
  std::set<std::pair<std::string, std::uint16_t>> known;
  for (const config::EndpointSlice* slice : slices->second) {
    for (const config::SlicePort& slice_port : slice->ports) {
      if (slice_port.name != port.name || !slice_port.port) continue;
      const auto number = static_cast<std::uint16_t>(*slice_port.port);
      for (const config::SliceEndpoint& endpoint : slice->endpoints) {
        if (!endpoint.conditions.ready.value_or(true) && !service.publish_not_ready_addresses)
          continue;
        for (const std::string& address : endpoint.addresses) {
          if (known.emplace(address, number).second)
            out.push_back({address, number, 1, endpoint.zone});
        }
      }
    }
  }
  return out;
}

ResolvedBackend Backends::resolve(std::string_view kind, const std::string& namespace_,
                                  const config::BackendObjectRef& ref, Speaks speaks,
                                  std::string_view group) {
  if (ref.group == config::kgateway::kGroup && ref.kind == "Backend") {
    ResolvedBackend out = resolve_backend(group, kind, namespace_, ref, speaks);
    if (out.filter.empty()) return out;
    return {"", "InvalidKind",
            fmt::format("Backend {} is a function: only backendRefs of an HTTPRoute go there",
                        ref.name)};
  }
  if (!ref.group.empty() || ref.kind != "Service") {
    return {"", "InvalidKind",
            fmt::format("a backend of kind {}{}{} is not supported", ref.group,
                        ref.group.empty() ? "" : "/", ref.kind)};
  }
  const std::string space = ref.namespace_.value_or(namespace_);
  if (!permitted(objects_, {group, kind, namespace_, "", "Service", space, ref.name})) {
    return {"", "RefNotPermitted",
            fmt::format("no ReferenceGrant lets it use Service {}/{}", space, ref.name)};
  }
  const auto* service = objects_.find<config::Service>(space, ref.name);
  if (service == nullptr)
    return {"", "BackendNotFound", fmt::format("Service {}/{} does not exist", space, ref.name)};
  if (!ref.port)
    return {"", "BackendNotFound",
            fmt::format("Service {}/{}: the reference has no port", space, ref.name)};
  const std::string_view protocol = kind == "UDPRoute" ? "UDP" : "TCP";
  const auto port = std::find_if(service->ports.begin(), service->ports.end(),
                                 [&ref, protocol](const config::ServicePort& one) {
                                   return one.port == *ref.port && one.protocol == protocol;
                                 });
  if (port == service->ports.end()) {
    return {"", "BackendNotFound",
            fmt::format("Service {}/{} has no {} port {}", space, ref.name, protocol, *ref.port)};
  }
  const bool says_http2 = port->app_protocol == "kubernetes.io/h2c" || port->app_protocol == "grpc";
  const bool http2 = says_http2 || kind == "GRPCRoute" || speaks == Speaks::kHttp2;
  // A Service that does not say what it speaks may serve routes of both kinds.
  std::string name =
      fmt::format("kube_{}_{}_{}{}", space, ref.name, *ref.port,
                  kind == "UDPRoute" ? "_udp" : (http2 && !says_http2 ? "_h2c" : ""));
  proxy::Cluster& cluster = snapshot_.clusters[name];
  if (cluster.name.empty()) {
    cluster.name = name;
    cluster.origin = {"Service",         space, ref.name, port->name, service->meta.file,
                      service->meta.line};
    cluster.endpoints = endpoints_of(*service, *port);
    if (http2) cluster.protocol = proxy::UpstreamProtocol::kHttp2;
    if (kind != "UDPRoute") {
      tls_.apply(*service, port->name, cluster);
      configs_.apply({"", "Service", service->meta.key()}, cluster);
    }
  }
  return {std::move(name), "", ""};
}

ResolvedBackend Backends::resolve_for_rule(std::string_view kind, const std::string& namespace_,
                                           const config::BackendObjectRef& ref) {
  const bool backend = ref.group == config::kgateway::kGroup && ref.kind == "Backend";
  if (!backend || kind != "HTTPRoute") return resolve(kind, namespace_, ref);
  return resolve_backend(config::kGatewayGroup, kind, namespace_, ref, Speaks::kAsItSays);
}

std::string Backends::without_tls(const std::string& cluster) {
  auto found = snapshot_.clusters.find(cluster);
  if (found == snapshot_.clusters.end() || !found->second.tls) return cluster;
  std::string name = cluster + "_passthrough";
  proxy::Cluster& plain = snapshot_.clusters[name];
  if (plain.name.empty()) {
    plain = found->second;
    plain.name = name;
    plain.tls.reset();
  }
  return name;
}

}  // namespace tidegate::controlloop::translate
