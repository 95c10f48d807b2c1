#include "controlloop/translate/attach.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/core/namespace.h"
#include "controlloop/translate/hostname.h"

namespace tidegate::controlloop::translate {
namespace {

bool namespace_allowed(const config::ObjectSet& objects, const config::NamespaceChoice& choice,
                       const std::string& gateway, const std::string& route) {
  switch (choice.from) {
    case config::FromNamespaces::kAll:
      return true;
    case config::FromNamespaces::kSame:
      return gateway == route;
    case config::FromNamespaces::kNone:
      return false;
    case config::FromNamespaces::kSelector:
      break;
  }
  if (!choice.selector) return false;
  std::map<std::string, std::string> labels;
  if (const auto* found = objects.find<config::Namespace>("", route)) labels = found->meta.labels;
  labels["kubernetes.io/metadata.name"] = route;
  return choice.selector->matches(labels);
}

}  // namespace

AttachResult attach(const config::ObjectSet& objects,
                    const std::vector<std::shared_ptr<GatewayState>>& gateways,
                    const RouteIdentity& route, const config::ParentRef& ref) {
  AttachResult out;
  if (ref.group != config::kGatewayGroup || ref.kind != "Gateway") return out;
  const std::string space = ref.namespace_.value_or(route.meta->namespace_);
  for (const auto& candidate : gateways) {
    if (candidate->gateway->meta.namespace_ == space && candidate->gateway->meta.name == ref.name)
      out.gateway = candidate.get();
  }
  if (out.gateway == nullptr) return out;
  bool named = false;
  bool allowed = false;
  for (ListenerState& listener : out.gateway->listeners) {
    if (ref.section_name && listener.spec->name != *ref.section_name) continue;
    if (ref.port && listener.spec->port != *ref.port) continue;
    named = true;
    const auto& kinds = listener.supported_kinds;
    if (std::find(kinds.begin(), kinds.end(), route.kind) == kinds.end()) continue;
    if (!namespace_allowed(objects, listener.spec->allowed_routes.namespaces, space,
                           route.meta->namespace_))
      continue;
    allowed = true;
    std::vector<std::string> names = serving_names(listener.spec->hostname, *route.hostnames);
    if (names.empty()) continue;
    out.attachments.push_back({out.gateway, &listener, std::move(names)});
  }
  if (!out.attachments.empty()) return out;
  if (!named) {
    out.reason = "NoMatchingParent";
    out.message =
        fmt::format("Gateway {}/{} has no listener with this name and port", space, ref.name);
  } else if (!allowed) {
    out.reason = "NotAllowedByListeners";
    out.message = fmt::format("no listener of Gateway {}/{} takes {}s of namespace {}", space,
                              ref.name, route.kind, route.meta->namespace_);
  } else {
    out.reason = "NoMatchingListenerHostname";
    out.message = fmt::format(
        "no listener of Gateway {}/{} has a host name that goes with the route's", space, ref.name);
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
