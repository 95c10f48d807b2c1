#include <fmt/format.h>

#include "config/kinds/kgateway/backend.h"
#include "controlloop/translate/backend.h"
#include "controlloop/translate/reference_grant.h"

/// The part of Backends that knows kgateway's Backend.
namespace tidegate::controlloop::translate {

namespace kgw = config::kgateway;

namespace {

constexpr const char* kInvalid = "BackendNotFound";  // of ResolvedRefs: there is nothing to go to

std::vector<proxy::Endpoint> static_endpoints(const kgw::StaticBackend& from) {
  std::vector<proxy::Endpoint> out;
  for (const kgw::StaticBackend::Host& host : from.hosts)
    out.push_back({host.host, static_cast<std::uint16_t>(host.port), 1, ""});
  return out;
}

bool is_http2(const kgw::StaticBackend& from) {
  using Protocol = kgw::StaticBackend::AppProtocol;
  return from.app_protocol &&
         (*from.app_protocol == Protocol::kHttp2 || *from.app_protocol == Protocol::kGrpc ||
          *from.app_protocol == Protocol::kKubernetesH2c);
}

}  // namespace

/// What of a Backend cannot be served; empty: all can.
AwsBackends::Problem Backends::backend_problem(const kgw::Backend& backend) const {
  if (backend.gcp) return {"spec.gcp", "a gcp Backend is not supported"};
  if (backend.aws) return aws_.problem(backend);
  constexpr const char* kGroups = "spec.priorityGroups";
  std::optional<bool> http2;
  for (const kgw::PriorityGroup& group : backend.priority_groups) {
    for (const kgw::LocalName& ref : group.backend_refs) {
      const auto* one = objects_.find<kgw::Backend>(backend.meta.namespace_, ref.name);
      if (one == nullptr)
        return {kGroups, fmt::format("priorityGroups: Backend {}/{} does not exist",
                                     backend.meta.namespace_, ref.name)};
      if (!one->static_)
        return {kGroups, fmt::format("priorityGroups: Backend {}/{} is not static",
                                     backend.meta.namespace_, ref.name)};
      if (http2.value_or(is_http2(*one->static_)) != is_http2(*one->static_))
        return {kGroups, "priorityGroups: its Backends speak different protocols"};
      http2 = is_http2(*one->static_);
      // Its own TLS would be lost, and the way be in the clear.
      const void* tls = configs_.tls_of({kgw::kGroup, "Backend", one->meta.key()});
      if (tls && tls != configs_.tls_of({kgw::kGroup, "Backend", backend.meta.key()}))
        return {kGroups,
                fmt::format("priorityGroups: Backend {}/{} has a BackendConfigPolicy with tls, "
                            "which must be for {} too",
                            backend.meta.namespace_, ref.name, backend.meta.name)};
    }
  }
  return {};
}

void Backends::set_hosts(const kgw::Backend& backend, proxy::Cluster& cluster) {
  if (backend.aws) return aws_.set_hosts(backend, cluster);
  if (backend.static_) {
    cluster.endpoints = static_endpoints(*backend.static_);
    if (is_http2(*backend.static_)) cluster.protocol = proxy::UpstreamProtocol::kHttp2;
  }
  if (backend.dynamic_forward_proxy) {
    cluster.dynamic.emplace();
    if (backend.dynamic_forward_proxy->enable_tls) cluster.tls.emplace();
  }
  for (const kgw::PriorityGroup& group : backend.priority_groups) {
    std::vector<proxy::Endpoint> endpoints;
    for (const kgw::LocalName& ref : group.backend_refs) {
      const auto* one = objects_.find<kgw::Backend>(backend.meta.namespace_, ref.name);
      for (proxy::Endpoint& endpoint : static_endpoints(*one->static_))
        endpoints.push_back(std::move(endpoint));
      if (is_http2(*one->static_)) cluster.protocol = proxy::UpstreamProtocol::kHttp2;
    }
    if (&group == &backend.priority_groups.front()) {
      cluster.endpoints = std::move(endpoints);
    } else {
      cluster.failover.push_back(std::move(endpoints));
    }
  }
}

ResolvedBackend Backends::resolve_backend(std::string_view group, std::string_view kind,
                                          const std::string& namespace_,
                                          const config::BackendObjectRef& ref, Speaks speaks) {
  const std::string space = ref.namespace_.value_or(namespace_);
  if (!permitted(objects_, {group, kind, namespace_, kgw::kGroup, "Backend", space, ref.name})) {
    return {"", "RefNotPermitted",
            fmt::format("no ReferenceGrant lets it use Backend {}/{}", space, ref.name)};
  }
  const auto* backend = objects_.find<kgw::Backend>(space, ref.name);
  if (backend == nullptr)
    return {"", kInvalid, fmt::format("Backend {}/{} does not exist", space, ref.name)};
  if (kind == "UDPRoute")
    return {"", "InvalidKind", fmt::format("Backend {}/{}: not for datagrams", space, ref.name)};
  if (const std::string wrong = backend_problem(*backend).message; !wrong.empty())
    return {"", kInvalid, fmt::format("Backend {}/{}: {}", space, ref.name, wrong)};
  std::string filter;
  if (backend->aws && backend->aws->lambda) filter = aws_.invocation(*backend);
  const bool says_http2 = backend->static_ && is_http2(*backend->static_);
  const bool http2 = kind == "GRPCRoute" || speaks == Speaks::kHttp2;
  std::string name =
      fmt::format("backend_{}_{}_0{}", space, ref.name, http2 && !says_http2 ? "_h2c" : "");
  proxy::Cluster& cluster = snapshot_.clusters[name];
  if (cluster.name.empty()) {
    cluster.name = name;
    cluster.origin = {"Backend", space, ref.name, "", backend->meta.file, backend->meta.line};
    set_hosts(*backend, cluster);
    if (http2) cluster.protocol = proxy::UpstreamProtocol::kHttp2;
    configs_.apply({kgw::kGroup, "Backend", backend->meta.key()}, cluster);
  }
  return {std::move(name), "", "", std::move(filter)};
}

/// `.status` of every Backend.
void Backends::statuses(status::Statuses& out, status::Report& report) const {
  auto write = [&out](const config::Meta& meta, const std::string& wrong) {
    std::vector<status::Condition> conditions;
    status::set(conditions, "Accepted",
                wrong.empty() ? status::Condition::Value::kTrue : status::Condition::Value::kFalse,
                wrong.empty() ? "Accepted" : "Invalid", wrong);
    boost::json::object status;
    status["conditions"] = status::to_json(conditions, meta.generation);
    out[{"Backend", meta.namespace_, meta.name}] = std::move(status);
  };
  for (const auto& [key, backend] : objects_.all<kgw::Backend>()) {
    const AwsBackends::Problem wrong = backend_problem(*backend);
    if (!wrong.message.empty()) report.error("Backend", backend->meta, wrong.path, wrong.message);
    write(backend->meta, wrong.message);
  }
  for (const auto& [key, backend] : objects_.rejected<kgw::Backend>())
    write(backend->meta, "the object is not valid: see its problems");
}

}  // namespace tidegate::controlloop::translate
