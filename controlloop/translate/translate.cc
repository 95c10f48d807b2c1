#include "controlloop/translate/translate.h"

#include "config/kinds/gateway/gateway_class.h"
#include "config/kinds/gateway/grpc_route.h"
#include "config/kinds/gateway/http_route.h"
#include "config/kinds/gateway/stream_routes.h"
#include "config/kinds/kgateway/gateway_extension.h"
#include "controlloop/translate/discovery_status.h"
#include "controlloop/translate/features.h"
#include "controlloop/translate/gateway.h"
#include "controlloop/translate/generated.h"
#include "controlloop/translate/http_route.h"
#include "controlloop/translate/listener_policies.h"
#include "controlloop/translate/place.h"
#include "controlloop/translate/policy_references.h"
#include "controlloop/translate/stream_route.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;
using status::Condition;
using Value = Condition::Value;

namespace {

void class_statuses(const config::ObjectSet& objects, const Options& options,
                    status::Statuses& statuses) {
  for (const auto& [key, one] : objects.all<config::GatewayClass>()) {
    if (one->controller_name != options.controller_name) continue;
    std::vector<Condition> conditions;
    status::set(conditions, "Accepted", Value::kTrue, "Accepted", "");
    status::set(conditions, "SupportedVersion", Value::kTrue, "SupportedVersion", "");
    json::object out;
    out["conditions"] = status::to_json(conditions, one->meta.generation);
    json::array features;
    for (const std::string_view feature : kSupportedFeatures) {
      json::object entry;
      entry["name"] = json::string_view(feature.data(), feature.size());
      features.push_back(std::move(entry));
    }
    out["supportedFeatures"] = std::move(features);
    statuses[{"GatewayClass", "", key.name}] = std::move(out);
  }
}

/// Whether what they say is sound; whether their service is there is told by the policies that name
/// them. Source: kgateway GatewayExtensionStatus.
void extension_statuses(const config::ObjectSet& objects, status::Statuses& statuses) {
  using config::kgateway::GatewayExtension;
  auto tell = [&statuses](const config::Meta& meta, bool valid) {
    std::vector<Condition> conditions;
    status::set(conditions, "Accepted", valid ? Value::kTrue : Value::kFalse,
                valid ? "Accepted" : "Invalid",
                valid ? "" : "the object is not valid: see its problems");
    json::object out;
    out["conditions"] = status::to_json(conditions, meta.generation);
    statuses[{"GatewayExtension", meta.namespace_, meta.name}] = std::move(out);
  };
  for (const auto& [key, one] : objects.all<GatewayExtension>()) tell(one->meta, true);
  for (const auto& [key, one] : objects.rejected<GatewayExtension>()) tell(one->meta, false);
}

template <class Route>
void rejected_routes(const char* kind, RouteContext& context, const std::string& message) {
  for (const auto& [key, route] : context.objects.rejected<Route>())
    refuse_route(context, kind, route->meta, route->parent_refs, message);
}

/// Objects that an API server would have refused take no part, and are told so.
void rejected_statuses(RouteContext& context) {
  const std::string message = "the object is not valid: see its problems";
  const std::set<std::string> classes = our_classes(context.objects, context.options);
  auto invalid = [&](const char* kind, const config::Meta& meta) {
    std::vector<Condition> conditions;
    status::set(conditions, "Accepted", Value::kFalse, "Invalid", message);
    status::set(conditions, "Programmed", Value::kFalse, "Invalid", message);
    json::object out;
    out["conditions"] = status::to_json(conditions, meta.generation);
    context.statuses[{kind, meta.namespace_, meta.name}] = std::move(out);
  };
  for (const auto& [key, gateway] : context.objects.rejected<config::Gateway>()) {
    if (classes.contains(gateway->gateway_class_name)) invalid("Gateway", gateway->meta);
  }
  for (const auto& [key, set] : context.objects.rejected<config::ListenerSet>()) {
    if (find_parent(context.gateways, key.namespace_, set->parent_ref).owner != nullptr)
      invalid("ListenerSet", set->meta);
  }
  rejected_routes<config::HttpRoute>("HTTPRoute", context, message);
  rejected_routes<config::GrpcRoute>("GRPCRoute", context, message);
  rejected_routes<config::TlsRoute>("TLSRoute", context, message);
  rejected_routes<config::TcpRoute>("TCPRoute", context, message);
  rejected_routes<config::UdpRoute>("UDPRoute", context, message);
}

const proxy::AppliedListener* find(const proxy::Applied& applied, const std::string& name) {
  for (const proxy::AppliedListener& one : applied.listeners) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

/// Accepted and Programmed of a listener, once it is known whether its port could be bound.
std::vector<Condition> finished(const ListenerState& listener, const proxy::Applied* applied,
                                bool& programmed) {
  std::vector<Condition> out = listener.conditions;
  const proxy::AppliedListener* came =
      applied && listener.served() ? find(*applied, listener.snapshot_listener) : nullptr;
  programmed = false;
  if (!listener.served()) {
    const Condition* conflict = status::find(out, "Conflicted");
    const bool conflicted = conflict != nullptr && conflict->value == Value::kTrue;
    status::set(out, "Programmed", Value::kFalse, conflicted ? conflict->reason : "Invalid",
                "the listener is not served");
  } else if (came == nullptr) {
    status::set(out, "Programmed", Value::kUnknown, "Pending", "waiting for the workers");
  } else if (came->address_unusable) {
    status::set(out, "Programmed", Value::kFalse, "AddressNotUsable", came->error);
  } else if (!came->bound) {
    status::set(out, "Accepted", Value::kFalse, "PortUnavailable", came->error);
    status::set(out, "Programmed", Value::kFalse, "Invalid", came->error);
  } else {
    programmed = true;
    status::set(out, "Programmed", Value::kTrue, "Programmed", "");
  }
  return out;
}

/// `.status.listeners` of one object, and how many of them are served and programmed.
struct ListenerStatuses {
  json::array entries;
  std::size_t served = 0;
  std::size_t programmed = 0;
  bool address_unusable = false;
};

ListenerStatuses listener_statuses(const GatewayState& state, const config::Meta& owner,
                                   const proxy::Applied* applied) {
  ListenerStatuses out;
  for (const ListenerState& listener : state.listeners) {
    if (listener.owner.meta != &owner) continue;
    json::object entry;
    entry["name"] = listener.spec->name;
    json::array kinds;
    for (const std::string& kind : listener.supported_kinds) {
      json::object one;
      one["group"] = config::kGatewayGroup;
      one["kind"] = kind;
      kinds.push_back(std::move(one));
    }
    entry["supportedKinds"] = std::move(kinds);
    entry["attachedRoutes"] = listener.routes_attached;
    bool programmed = false;
    const std::vector<Condition> conditions = finished(listener, applied, programmed);
    entry["conditions"] = status::to_json(conditions, owner.generation);
    out.entries.push_back(std::move(entry));
    if (listener.served()) ++out.served;
    if (programmed) ++out.programmed;
    const proxy::AppliedListener* came =
        applied ? find(*applied, listener.snapshot_listener) : nullptr;
    out.address_unusable = out.address_unusable || (came && came->address_unusable);
  }
  return out;
}

/// Programmed of what has listeners and is accepted.
void set_programmed(std::vector<Condition>& conditions, const ListenerStatuses& listeners,
                    const proxy::Applied* applied) {
  if (listeners.address_unusable) {
    status::set(conditions, "Programmed", Value::kFalse, "AddressNotUsable",
                "an address is not one of this machine");
  } else if (listeners.programmed > 0) {
    status::set(conditions, "Programmed", Value::kTrue, "Programmed", "");
  } else if (applied == nullptr) {
    status::set(conditions, "Programmed", Value::kUnknown, "Pending", "waiting for the workers");
  } else {
    status::set(conditions, "Programmed", Value::kFalse, "Invalid", "no listener is served");
  }
}

json::object listener_set_status(const GatewayState& state, const ListenerSetState& set,
                                 const proxy::Applied* applied, bool& attached) {
  const config::Meta& meta = set.set->meta;
  ListenerStatuses listeners = listener_statuses(state, meta, applied);
  std::vector<Condition> conditions;
  auto refuse = [&conditions](const char* reason, const char* message) {
    status::set(conditions, "Accepted", Value::kFalse, reason, message);
    status::set(conditions, "Programmed", Value::kFalse, reason, message);
  };
  if (!set.allowed) {
    refuse("NotAllowed", "the Gateway's allowedListeners do not allow it");
  } else if (!status::is_true(state.conditions, "Accepted")) {
    refuse("ParentNotAccepted", "the Gateway is not accepted");
  } else if (listeners.served == 0) {
    refuse("ListenersNotValid", "no listener is valid");
  } else {
    const bool all = listeners.served == set.set->listeners.size();
    status::set(conditions, "Accepted", Value::kTrue, all ? "Accepted" : "ListenersNotValid",
                all ? "" : "some listeners are not valid");
    set_programmed(conditions, listeners, applied);
  }
  attached = status::is_true(conditions, "Accepted");
  json::object out;
  out["conditions"] = status::to_json(conditions, meta.generation);
  out["listeners"] = std::move(listeners.entries);
  return out;
}

json::object gateway_status(const GatewayState& state, const proxy::Applied* applied,
                            std::size_t attached_sets) {
  ListenerStatuses listeners = listener_statuses(state, state.gateway->meta, applied);
  std::vector<Condition> conditions = state.conditions;
  if (status::is_true(conditions, "Accepted")) {
    set_programmed(conditions, listeners, applied);
  } else {
    status::set(conditions, "Programmed", Value::kFalse, "Invalid", "the Gateway is not accepted");
  }
  json::object out;
  json::array addresses;
  for (const config::GatewayAddress& address : state.published) {
    json::object one;
    one["type"] = address.type;
    one["value"] = address.value;
    addresses.push_back(std::move(one));
  }
  out["addresses"] = std::move(addresses);
  out["conditions"] = status::to_json(conditions, state.gateway->meta.generation);
  out["listeners"] = std::move(listeners.entries);
  out["attachedListenerSets"] = attached_sets;
  return out;
}

}  // namespace

Translation translate(const config::ObjectSet& objects, const Options& options) {
  Translation out;
  auto snapshot = std::make_shared<proxy::Snapshot>();
  Report report(objects, out.problems);
  class_statuses(objects, options, out.statuses);
  extension_statuses(objects, out.statuses);
  std::vector<std::shared_ptr<GatewayState>> gateways =
      read_gateways(objects, options, *snapshot, report);
  BackendTls tls(objects, report);
  BackendConfigs configs(objects, *snapshot, options.zone, options.files, report);
  Backends backends(objects, *snapshot, tls, configs, options.aws);
  PolicyReferences references(objects, backends);
  ListenerPolicies listener_policies(objects, options, references, report);
  listener_policies.apply(gateways);
  RouteContext context{objects, options, gateways, out.statuses, report, {}};
  policy::TrafficPolicies policies(objects, options.global_policy_namespace, references, *snapshot,
                                   report);
  translate_http_routes(context, backends, policies);
  translate_stream_routes(context, backends);
  policies.statuses(options.controller_name, out.statuses);
  rejected_statuses(context);
  listener_policies.statuses(options.controller_name, out.statuses);
  tls.finish(gateways, *snapshot);
  tls.statuses(options.controller_name, out.statuses);
  configs.statuses(options.controller_name, out.statuses);
  backends.statuses(out.statuses, report);
  place_listeners(gateways, options, *snapshot, report);
  out.generated = generated_services(objects, gateways);
  out.gateways.assign(gateways.begin(), gateways.end());
  out.snapshot = std::move(snapshot);
  return out;
}

status::Statuses statuses_of(const Translation& translation, const proxy::Applied* applied) {
  status::Statuses out = translation.statuses;
  for (const auto& state : translation.gateways) {
    std::size_t attached_sets = 0;
    for (const ListenerSetState& set : state->listener_sets) {
      bool attached = false;
      out[{"ListenerSet", set.set->meta.namespace_, set.set->meta.name}] =
          listener_set_status(*state, set, applied, attached);
      if (attached) ++attached_sets;
    }
    out[{"Gateway", state->gateway->meta.namespace_, state->gateway->meta.name}] =
        gateway_status(*state, applied, attached_sets);
  }
  if (applied) add_discoveries(*applied, out);
  return out;
}

}  // namespace tidegate::controlloop::translate
