#include "controlloop/translate/stream_route.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/gateway/stream_routes.h"

namespace tidegate::controlloop::translate {
namespace {

constexpr const char* kTlsRoute = "TLSRoute";

/// A route of any of the three kinds.
struct AnyStreamRoute {
  const char* kind;
  const config::Meta* meta;
  const std::vector<config::ParentRef>* parent_refs;
  const std::vector<std::string>* hostnames;
  const std::vector<config::StreamRouteRule>* rules;
};

template <class Route>
void add_all(const char* kind, const config::ObjectSet& objects, std::vector<AnyStreamRoute>& out) {
  static const std::vector<std::string> none;
  for (const auto& [key, route] : objects.all<Route>()) {
    const std::vector<std::string>* hostnames = &none;
    if constexpr (requires { route->hostnames; }) hostnames = &route->hostnames;
    out.push_back({kind, &route->meta, &route->parent_refs, hostnames, &route->rules});
  }
}

RouteFindings translate_rule(const AnyStreamRoute& from, RouteContext& context, Backends& backends,
                             proxy::StreamRoute& to) {
  RouteFindings out;
  const config::StreamRouteRule& rule = from.rules->front();  // the only one
  to.origin = {from.kind,       from.meta->namespace_,
               from.meta->name, rule.name.empty() ? "0" : rule.name,
               from.meta->file, context.report.line(from.kind, *from.meta, "spec.rules[0]")};
  for (std::size_t i = 0; i < rule.backend_refs.size(); ++i) {
    const config::BackendRef& ref = rule.backend_refs[i];
    ResolvedBackend backend =
        backends.resolve(from.kind, from.meta->namespace_,
                         {ref.group, ref.kind, ref.name, ref.namespace_, ref.port});
    if (!backend.reason.empty()) {
      context.report.error(from.kind, *from.meta, fmt::format("spec.rules[0].backendRefs[{}]", i),
                           backend.message);
      out.add_unresolved(backend.reason, backend.message);
    }
    // A share that leads nowhere stays one: its connections fail.
    if (ref.weight > 0)
      to.clusters.push_back({backend.cluster, static_cast<std::uint32_t>(ref.weight), {}});
  }
  return out;
}

}  // namespace

void translate_stream_routes(RouteContext& context, Backends& backends) {
  std::vector<AnyStreamRoute> all;
  add_all<config::TlsRoute>(kTlsRoute, context.objects, all);
  add_all<config::TcpRoute>("TCPRoute", context.objects, all);
  add_all<config::UdpRoute>("UDPRoute", context.objects, all);
  // By age; where TLS ends, both kinds may be, and TCPRoutes have what no TLSRoute names.
  std::stable_sort(all.begin(), all.end(), [](const AnyStreamRoute& a, const AnyStreamRoute& b) {
    const bool names_a = a.kind == kTlsRoute;
    const bool names_b = b.kind == kTlsRoute;
    return names_a != names_b ? names_a : config::older(*a.meta, *b.meta);
  });
  for (const AnyStreamRoute& route : all) {
    proxy::StreamRoute made;
    attach_route(
        context, {route.kind, route.meta, route.hostnames}, *route.parent_refs,
        [&] { return translate_rule(route, context, backends, made); },
        [&](const Attachment& attachment, RouteFindings&, bool /*last*/) {
          ListenerState& listener = *attachment.listener;
          proxy::StreamRoute own = made;
          for (const std::string& name : attachment.hostnames) {
            if (listener.stream_names.insert(name).second) own.hostnames.push_back(name);
          }
          if (own.hostnames.empty()) return std::string();  // attached, but older ones are served
          if (listener.spec->protocol != "TLS") own.hostnames.clear();  // there are no names
          if (listener.spec->protocol == "TLS" && !listener.terminates()) {
            for (proxy::WeightedCluster& one : own.clusters)
              one.cluster = backends.without_tls(one.cluster);
          }
          listener.streams.push_back(std::move(own));
          return std::string();
        });
  }
}

}  // namespace tidegate::controlloop::translate
