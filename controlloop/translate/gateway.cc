#include "controlloop/translate/gateway.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/gateway/gateway_class.h"
#include "controlloop/translate/address_pool.h"
#include "controlloop/translate/certificate.h"
#include "controlloop/translate/namespaces.h"

namespace tidegate::controlloop::translate {
namespace {

using Value = status::Condition::Value;

constexpr const char* kBuiltInClasses[] = {"kgateway", "kgateway-waypoint"};

bool is_address(const std::string& text) {
  unsigned char buffer[16];
  return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

void assign(GatewayState& state, const Options& options,
            const std::map<config::NamespacedName, std::string>& pool, Report& report) {
  const config::Gateway& gateway = *state.gateway;
  for (std::size_t i = 0; i < gateway.addresses.size(); ++i) {
    const config::GatewayAddress& wanted = gateway.addresses[i];
    if (wanted.value.empty()) continue;  // any will do
    if (wanted.type == "IPAddress" && is_address(wanted.value)) {
      state.addresses.push_back(wanted.value);
      state.published.push_back({"IPAddress", wanted.value});
      continue;
    }
    std::string message = fmt::format(
        "address {} of type {} is not supported: only IP addresses are", wanted.value, wanted.type);
    report.error("Gateway", gateway.meta, fmt::format("spec.addresses[{}]", i), message);
    status::set(state.conditions, "Accepted", Value::kFalse, "UnsupportedAddress",
                std::move(message));
  }
  if (!state.addresses.empty()) return;
  if (auto found = pool.find(gateway.meta.key()); found != pool.end()) {
    state.addresses.push_back(found->second);
    state.published.push_back({"IPAddress", found->second});
    return;
  }
  state.addresses = options.bind_addresses;
  for (const std::string& address : options.bind_addresses)
    state.published.push_back({"IPAddress", address});
}

/// Gateway.spec.tls.backend: the certificate that it shows to backends. Source: GEP-3155.
void judge_client_certificate(GatewayState& state, const config::ObjectSet& objects,
                              proxy::Snapshot& snapshot, Report& report) {
  const config::Gateway& gateway = *state.gateway;
  if (!gateway.tls || !gateway.tls->backend_client_certificate) return;
  ResolvedCertificate found =
      resolve_certificate(objects, "Gateway", gateway.meta.namespace_,
                          *gateway.tls->backend_client_certificate, snapshot);
  if (found.reason.empty()) {
    state.client_certificate = std::move(found.name);
    status::set(state.conditions, "ResolvedRefs", Value::kTrue, "ResolvedRefs", "");
    return;
  }
  report.error("Gateway", gateway.meta, "spec.tls.backend.clientCertificateRef", found.message);
  const bool invalid = found.reason == "InvalidCertificateRef";
  status::set(state.conditions, "ResolvedRefs", Value::kFalse,
              invalid ? "InvalidClientCertificateRef" : found.reason, std::move(found.message));
}

/// Nothing here is deployed, so there are no parameters of a deployment that could be right.
void judge_infrastructure(GatewayState& state, Report& report) {
  const config::Gateway& gateway = *state.gateway;
  if (!gateway.infrastructure || !gateway.infrastructure->parameters_ref) return;
  const config::LocalObjectRef& ref = *gateway.infrastructure->parameters_ref;
  if (ref.group == "gateway.kgateway.dev" && ref.kind == "GatewayParameters") {
    report.warning("Gateway", gateway.meta, "spec.infrastructure.parametersRef",
                   "accepted without effect: Tidegate deploys nothing");
    return;
  }
  std::string message =
      fmt::format("parametersRef: {}/{} is not a kind of parameters here", ref.group, ref.kind);
  report.error("Gateway", gateway.meta, "spec.infrastructure.parametersRef", message);
  status::set(state.conditions, "Accepted", Value::kFalse, "InvalidParameters", std::move(message));
}

void add_listeners(GatewayState& state, const char* kind, const config::Meta& meta,
                   const std::vector<config::ListenerSpec>& specs) {
  for (std::size_t i = 0; i < specs.size(); ++i) {
    ListenerState& listener = state.listeners.emplace_back();
    listener.owner = {kind, &meta};
    listener.spec = &specs[i];
    listener.index = i;
  }
}

/// Finds the ListenerSets of each Gateway. A Gateway says from which namespaces it takes them; by
/// default from none.
void add_listener_sets(std::vector<std::shared_ptr<GatewayState>>& gateways,
                       const config::ObjectSet& objects, Report& report) {
  std::map<config::NamespacedName, GatewayState*> by_name;
  for (const auto& state : gateways) by_name[state->gateway->meta.key()] = state.get();
  for (const auto& [key, set] : objects.all<config::ListenerSet>()) {
    const config::ParentRef& parent = set->parent_ref;
    if (parent.group != config::kGatewayGroup || parent.kind != "Gateway") continue;
    const std::string space = parent.namespace_.value_or(key.namespace_);
    auto found = by_name.find({space, parent.name});
    if (found == by_name.end()) continue;
    const bool allowed = namespace_allowed(objects, found->second->gateway->allowed_listeners,
                                           space, key.namespace_);
    found->second->listener_sets.push_back({set, allowed});
    if (!allowed) {
      report.error("ListenerSet", set->meta, "spec.parentRef",
                   fmt::format("Gateway {}/{} does not allow ListenerSets of namespace {}: see its "
                               "spec.allowedListeners",
                               space, parent.name, key.namespace_));
    }
  }
  for (const auto& state : gateways) {
    auto& sets = state->listener_sets;
    std::stable_sort(sets.begin(), sets.end(), [](const auto& a, const auto& b) {
      return config::older(a.set->meta, b.set->meta);
    });
    for (const ListenerSetState& one : sets) {
      if (one.allowed) add_listeners(*state, "ListenerSet", one.set->meta, one.set->listeners);
    }
  }
}

/// Accepted, as far as the Gateway's own listeners go, and what it lets in.
void judge_gateway(GatewayState& state) {
  bool any = false;
  bool all = true;
  bool insecure = false;
  for (const ListenerState& one : state.listeners) {
    insecure =
        insecure || (one.tls.client &&
                     one.tls.client->mode == proxy::ClientValidation::Mode::kAllowInsecureFallback);
    any = any || one.accepted();
    if (one.owner.meta == &state.gateway->meta) all = all && one.accepted();
  }
  if (!all || !any) {
    status::set(state.conditions, "Accepted", any ? Value::kTrue : Value::kFalse,
                "ListenersNotValid", any ? "some listeners are not valid" : "no listener is valid");
  }
  if (insecure) {
    status::set(state.conditions, "InsecureFrontendValidationMode", Value::kTrue,
                "ConfigurationChanged",
                "clients without a valid certificate are let in: AllowInsecureFallback");
  }
}

}  // namespace

std::set<std::string> our_classes(const config::ObjectSet& objects, const Options& options) {
  std::set<std::string> out(std::begin(kBuiltInClasses), std::end(kBuiltInClasses));
  for (const auto& [key, one] : objects.all<config::GatewayClass>()) {
    if (one->controller_name == options.controller_name) {
      out.insert(key.name);
    } else {
      out.erase(key.name);
    }
  }
  return out;
}

std::vector<std::shared_ptr<GatewayState>> read_gateways(const config::ObjectSet& objects,
                                                         const Options& options,
                                                         proxy::Snapshot& snapshot,
                                                         Report& report) {
  const std::set<std::string> classes = our_classes(objects, options);
  std::vector<std::shared_ptr<GatewayState>> out;
  for (const auto& [key, gateway] : objects.all<config::Gateway>()) {
    if (!classes.contains(gateway->gateway_class_name)) continue;
    if (options.gateway && key != *options.gateway) continue;
    out.push_back(std::make_shared<GatewayState>());
    out.back()->gateway = gateway;
    add_listeners(*out.back(), "Gateway", gateway->meta, gateway->listeners);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return config::older(a->gateway->meta, b->gateway->meta);
  });
  add_listener_sets(out, objects, report);
  std::map<config::NamespacedName, std::string> pool;
  if (!options.address_pool.empty()) {
    std::vector<config::NamespacedName> names;
    for (const auto& state : out) names.push_back(state->gateway->meta.key());
    pool = assign_addresses(options.address_pool, names);
  }
  for (const auto& state : out) {
    status::set(state->conditions, "Accepted", Value::kTrue, "Accepted", "");
    for (ListenerState& listener : state->listeners)
      judge_listener(listener, *state->gateway, objects, options, snapshot, report);
    judge_conflicts(state->listeners, report);
    judge_gateway(*state);
    judge_client_certificate(*state, objects, snapshot, report);
    judge_infrastructure(*state, report);
    assign(*state, options, pool, report);
  }
  return out;
}

}  // namespace tidegate::controlloop::translate
