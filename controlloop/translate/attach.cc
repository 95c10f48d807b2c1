#include "controlloop/translate/attach.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlloop/translate/hostname.h"
#include "controlloop/translate/namespaces.h"

namespace tidegate::controlloop::translate {

Parent find_parent(const std::vector<std::shared_ptr<GatewayState>>& gateways,
                   const std::string& namespace_, const config::ParentRef& ref) {
  if (ref.group != config::kGatewayGroup) return {};
  const std::string space = ref.namespace_.value_or(namespace_);
  auto named = [&](const config::Meta& meta) {
    return meta.namespace_ == space && meta.name == ref.name;
  };
  for (const auto& state : gateways) {
    if (ref.kind == "Gateway" && named(state->gateway->meta))
      return {state.get(), &state->gateway->meta};
    if (ref.kind != "ListenerSet") continue;
    for (const ListenerSetState& one : state->listener_sets) {
      if (named(one.set->meta)) return {state.get(), &one.set->meta};
    }
  }
  return {};
}

AttachResult attach(const config::ObjectSet& objects,
                    const std::vector<std::shared_ptr<GatewayState>>& gateways,
                    const RouteIdentity& route, const config::ParentRef& ref) {
  AttachResult out;
  const Parent parent = find_parent(gateways, route.meta->namespace_, ref);
  if (parent.owner == nullptr) return out;
  out.ours = true;
  bool named = false;
  bool allowed = false;
  for (ListenerState& listener : parent.gateway->listeners) {
    if (listener.owner.meta != parent.owner) continue;
    if (ref.section_name && listener.spec->name != *ref.section_name) continue;
    if (ref.port && listener.spec->port != *ref.port) continue;
    named = true;
    const auto& kinds = listener.supported_kinds;
    if (std::find(kinds.begin(), kinds.end(), route.kind) == kinds.end()) continue;
    if (!namespace_allowed(objects, listener.spec->allowed_routes.namespaces,
                           parent.owner->namespace_, route.meta->namespace_))
      continue;
    allowed = true;
    std::vector<std::string> names = serving_names(listener.spec->hostname, *route.hostnames);
    if (names.empty()) continue;
    out.attachments.push_back({parent.gateway, &listener, std::move(names)});
  }
  if (!out.attachments.empty()) return out;
  if (!named) {
    out.reason = "NoMatchingParent";
    out.message = fmt::format("{} {}/{} has no listener with this name and port", ref.kind,
                              parent.owner->namespace_, ref.name);
  } else if (!allowed) {
    out.reason = "NotAllowedByListeners";
    out.message =
        fmt::format("no listener of {} {}/{} takes {}s of namespace {}", ref.kind,
                    parent.owner->namespace_, ref.name, route.kind, route.meta->namespace_);
  } else {
    out.reason = "NoMatchingListenerHostname";
    out.message = fmt::format("no listener of {} {}/{} has a host name that goes with the route's",
                              ref.kind, parent.owner->namespace_, ref.name);
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
