#include "controlloop/translate/translate.h"

#include <algorithm>

#include "config/kinds/gateway/gateway_class.h"
#include "config/kinds/gateway/grpc_route.h"
#include "config/kinds/gateway/http_route.h"
#include "controlloop/translate/features.h"
#include "controlloop/translate/gateway.h"
#include "controlloop/translate/http_route.h"
#include "controlloop/translate/parents.h"

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

template <class Route>
void rejected_routes(const char* kind, const config::ObjectSet& objects, const Options& options,
                     const std::vector<std::shared_ptr<GatewayState>>& gateways,
                     const std::string& message, status::Statuses& statuses) {
  for (const auto& [key, route] : objects.rejected<Route>()) {
    ParentStatuses parents(options.controller_name, route->meta.generation);
    for (const config::ParentRef& ref : route->parent_refs) {
      const std::string space = ref.namespace_.value_or(key.namespace_);
      const bool ours = std::any_of(gateways.begin(), gateways.end(), [&](const auto& state) {
        return state->gateway->meta.namespace_ == space && state->gateway->meta.name == ref.name;
      });
      if (!ours || ref.kind != "Gateway") continue;
      std::vector<Condition> conditions;
      status::set(conditions, "Accepted", Value::kFalse, "UnsupportedValue", message);
      parents.add(ref, conditions);
    }
    statuses[{kind, key.namespace_, key.name}] = parents.take();
  }
}

/// Objects that an API server would have refused take no part, and are told so.
void rejected_statuses(const config::ObjectSet& objects, const Options& options,
                       const std::vector<std::shared_ptr<GatewayState>>& gateways,
                       status::Statuses& statuses) {
  const std::string message = "the object is not valid: see its problems";
  const std::set<std::string> classes = our_classes(objects, options);
  for (const auto& [key, gateway] : objects.rejected<config::Gateway>()) {
    if (!classes.contains(gateway->gateway_class_name)) continue;
    std::vector<Condition> conditions;
    status::set(conditions, "Accepted", Value::kFalse, "Invalid", message);
    status::set(conditions, "Programmed", Value::kFalse, "Invalid", message);
    json::object out;
    out["conditions"] = status::to_json(conditions, gateway->meta.generation);
    statuses[{"Gateway", key.namespace_, key.name}] = std::move(out);
  }
  rejected_routes<config::HttpRoute>("HTTPRoute", objects, options, gateways, message, statuses);
  rejected_routes<config::GrpcRoute>("GRPCRoute", objects, options, gateways, message, statuses);
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
    status::set(out, "Programmed", Value::kFalse, "Invalid", "the listener is not served");
  } else if (came == nullptr) {
    status::set(out, "Programmed", Value::kUnknown, "Pending", "waiting for the workers");
  } else if (!came->bound) {
    status::set(out, "Accepted", Value::kFalse, "PortUnavailable", came->error);
    status::set(out, "Programmed", Value::kFalse, "Invalid", came->error);
  } else {
    programmed = true;
    status::set(out, "Programmed", Value::kTrue, "Programmed", "");
  }
  return out;
}

json::object gateway_status(const GatewayState& state, const proxy::Applied* applied) {
  const std::int64_t generation = state.gateway->meta.generation;
  json::array listeners;
  bool any = false;
  for (const ListenerState& listener : state.listeners) {
    bool programmed = false;
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
    entry["attachedRoutes"] = listener.routes.size();
    entry["conditions"] = status::to_json(finished(listener, applied, programmed), generation);
    listeners.push_back(std::move(entry));
    any = any || programmed;
  }
  std::vector<Condition> conditions = state.conditions;
  if (any) {
    status::set(conditions, "Programmed", Value::kTrue, "Programmed", "");
  } else if (!status::is_true(conditions, "Accepted")) {
    status::set(conditions, "Programmed", Value::kFalse, "Invalid", "the Gateway is not accepted");
  } else if (applied == nullptr) {
    status::set(conditions, "Programmed", Value::kUnknown, "Pending", "waiting for the workers");
  } else {
    status::set(conditions, "Programmed", Value::kFalse, "Invalid", "no listener is served");
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
  out["conditions"] = status::to_json(conditions, generation);
  out["listeners"] = std::move(listeners);
  return out;
}

}  // namespace

Translation translate(const config::ObjectSet& objects, const Options& options) {
  Translation out;
  auto snapshot = std::make_shared<proxy::Snapshot>();
  Report report(objects, out.problems);
  class_statuses(objects, options, out.statuses);
  std::vector<std::shared_ptr<GatewayState>> gateways =
      read_gateways(objects, options, *snapshot, report);
  translate_http_routes(objects, options, gateways, *snapshot, out.statuses, report);
  rejected_statuses(objects, options, gateways, out.statuses);
  place_listeners(gateways, options, *snapshot, report);
  out.gateways.assign(gateways.begin(), gateways.end());
  out.snapshot = std::move(snapshot);
  return out;
}

status::Statuses statuses_of(const Translation& translation, const proxy::Applied* applied) {
  status::Statuses out = translation.statuses;
  for (const auto& state : translation.gateways) {
    out[{"Gateway", state->gateway->meta.namespace_, state->gateway->meta.name}] =
        gateway_status(*state, applied);
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
