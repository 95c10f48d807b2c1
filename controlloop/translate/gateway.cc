#include "controlloop/translate/gateway.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "config/kinds/core/secret_object.h"
#include "config/kinds/gateway/gateway_class.h"
#include "controlloop/translate/address_pool.h"
#include "controlloop/translate/certificate.h"
#include "controlloop/translate/reference_grant.h"

namespace tidegate::controlloop::translate {
namespace {

using status::Condition;
using Value = Condition::Value;

constexpr const char* kBuiltInClasses[] = {"kgateway", "kgateway-waypoint"};

bool is_address(const std::string& text) {
  unsigned char buffer[16];
  return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

std::string field(std::size_t index, std::string_view rest = {}) {
  return fmt::format("spec.listeners[{}]{}", index, rest);
}

/// Kinds of routes that a protocol can carry here.
std::vector<std::string> kinds_of(const std::string& protocol) {
  if (protocol == "HTTP" || protocol == "HTTPS") return {"HTTPRoute", "GRPCRoute"};
  return {};
}

void judge_kinds(ListenerState& listener, const config::Gateway& gateway, Report& report) {
  const std::vector<std::string> possible = kinds_of(listener.spec->protocol);
  if (listener.spec->allowed_routes.kinds.empty()) {
    listener.supported_kinds = possible;
    return;
  }
  for (const config::RouteGroupKind& wanted : listener.spec->allowed_routes.kinds) {
    const bool known = wanted.group == config::kGatewayGroup &&
                       std::find(possible.begin(), possible.end(), wanted.kind) != possible.end();
    if (known) {
      listener.supported_kinds.push_back(wanted.kind);
      continue;
    }
    std::string message =
        fmt::format("listener {}: routes of kind {} do not go with protocol {} here",
                    listener.spec->name, wanted.kind, listener.spec->protocol);
    report.error("Gateway", gateway.meta, field(listener.index, ".allowedRoutes.kinds"), message);
    status::set(listener.conditions, "ResolvedRefs", Value::kFalse, "InvalidRouteKinds",
                std::move(message));
  }
}

void judge_certificates(ListenerState& listener, const config::Gateway& gateway,
                        const config::ObjectSet& objects, proxy::Snapshot& snapshot,
                        Report& report) {
  if (listener.spec->protocol != "HTTPS") return;
  const config::ListenerTls* tls = listener.spec->tls ? &*listener.spec->tls : nullptr;
  auto fail = [&](std::string_view path, const char* reason, std::string message) {
    message = fmt::format("listener {}: {}", listener.spec->name, message);
    report.error("Gateway", gateway.meta, field(listener.index, path), message);
    status::set(listener.conditions, "ResolvedRefs", Value::kFalse, reason, std::move(message));
  };
  if (tls == nullptr || tls->certificate_refs.empty()) {
    fail(".tls", "InvalidCertificateRef", "HTTPS needs tls.certificateRefs");
    return;
  }
  for (std::size_t i = 0; i < tls->certificate_refs.size(); ++i) {
    const config::SecretRef& ref = tls->certificate_refs[i];
    const std::string path = fmt::format(".tls.certificateRefs[{}]", i);
    if (!ref.group.empty() || ref.kind != "Secret") {
      fail(path, "InvalidCertificateRef",
           fmt::format("a certificate is a Secret, not a {}", ref.kind));
      continue;
    }
    const std::string space = ref.namespace_.value_or(gateway.meta.namespace_);
    if (!permitted(objects, {config::kGatewayGroup, "Gateway", gateway.meta.namespace_, "",
                             "Secret", space, ref.name})) {
      fail(path, "RefNotPermitted",
           fmt::format("no ReferenceGrant lets it use Secret {}/{}", space, ref.name));
      continue;
    }
    const auto* secret = objects.find<config::SecretObject>(space, ref.name);
    if (secret == nullptr) {
      fail(path, "InvalidCertificateRef",
           fmt::format("Secret {}/{} does not exist", space, ref.name));
      continue;
    }
    if (std::string wrong = certificate_problem(*secret); !wrong.empty()) {
      fail(path, "InvalidCertificateRef", fmt::format("Secret {}/{} {}", space, ref.name, wrong));
      continue;
    }
    std::string name = space + "/" + ref.name;
    proxy::Certificate& certificate = snapshot.certificates[name];
    certificate.origin = {"Secret", space, ref.name, "", secret->meta.file, secret->meta.line};
    certificate.chain_pem = std::string(secret->data.at("tls.crt").reveal());
    certificate.key_pem = secret->data.at("tls.key");
    listener.certificates.push_back(std::move(name));
  }
}

/// Listeners of one Gateway must differ: those on one port in protocol family and host name.
void judge_conflicts(GatewayState& state, Report& report) {
  for (ListenerState& one : state.listeners) {
    const char* reason = nullptr;
    std::string other_name;
    for (const ListenerState& other : state.listeners) {
      if (&other == &one || other.spec->port != one.spec->port) continue;
      // UDP has ports of its own.
      if ((other.spec->protocol == "UDP") != (one.spec->protocol == "UDP")) continue;
      const bool same = other.spec->protocol == one.spec->protocol;
      if (same && other.spec->hostname != one.spec->hostname) continue;
      reason = same ? "HostnameConflict" : "ProtocolConflict";
      other_name = other.spec->name;
      if (!same) break;
    }
    if (reason == nullptr) {
      status::set(one.conditions, "Conflicted", Value::kFalse, "NoConflicts", "");
      continue;
    }
    std::string message =
        fmt::format("listener {}: conflicts with listener {}", one.spec->name, other_name);
    report.error("Gateway", state.gateway->meta, field(one.index), message);
    status::set(one.conditions, "Conflicted", Value::kTrue, reason, message);
    status::set(one.conditions, "Accepted", Value::kFalse, reason, std::move(message));
  }
}

void judge_listener(ListenerState& listener, const config::Gateway& gateway,
                    const config::ObjectSet& objects, const Options& options,
                    proxy::Snapshot& snapshot, Report& report) {
  status::set(listener.conditions, "Accepted", Value::kTrue, "Accepted", "");
  status::set(listener.conditions, "ResolvedRefs", Value::kTrue, "ResolvedRefs", "");
  if (kinds_of(listener.spec->protocol).empty()) {
    std::string message = fmt::format("listener {}: protocol {} is not supported",
                                      listener.spec->name, listener.spec->protocol);
    report.error("Gateway", gateway.meta, field(listener.index, ".protocol"), message);
    status::set(listener.conditions, "Accepted", Value::kFalse, "UnsupportedProtocol",
                std::move(message));
  }
  const int port = listener.spec->port + options.port_offset;
  if (std::find(options.reserved_ports.begin(), options.reserved_ports.end(), port) !=
          options.reserved_ports.end() ||
      port > 65535) {
    std::string message = fmt::format(
        "listener {}: port {} is {}", listener.spec->name, listener.spec->port,
        port > 65535 ? "too high with --port-offset" : "reserved for Tidegate's own use");
    report.error("Gateway", gateway.meta, field(listener.index, ".port"), message);
    status::set(listener.conditions, "Accepted", Value::kFalse, "PortUnavailable",
                std::move(message));
  }
  judge_kinds(listener, gateway, report);
  judge_certificates(listener, gateway, objects, snapshot, report);
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
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a->gateway->meta.creation_timestamp < b->gateway->meta.creation_timestamp;
  });
  std::map<config::NamespacedName, std::string> pool;
  if (!options.address_pool.empty()) {
    std::vector<config::NamespacedName> names;
    for (const auto& state : out) names.push_back(state->gateway->meta.key());
    pool = assign_addresses(options.address_pool, names);
  }
  for (const auto& state : out) {
    const config::Gateway& gateway = *state->gateway;
    status::set(state->conditions, "Accepted", Value::kTrue, "Accepted", "");
    for (std::size_t i = 0; i < gateway.listeners.size(); ++i) {
      ListenerState& listener = state->listeners.emplace_back();
      listener.spec = &gateway.listeners[i];
      listener.index = i;
      judge_listener(listener, gateway, objects, options, snapshot, report);
    }
    judge_conflicts(*state, report);
    const bool any = std::any_of(state->listeners.begin(), state->listeners.end(),
                                 [](const auto& one) { return one.accepted(); });
    const bool all = std::all_of(state->listeners.begin(), state->listeners.end(),
                                 [](const auto& one) { return one.accepted(); });
    if (!all) {
      status::set(state->conditions, "Accepted", any ? Value::kTrue : Value::kFalse,
                  "ListenersNotValid",
                  any ? "some listeners are not valid" : "no listener is valid");
    }
    assign(*state, options, pool, report);
  }
  return out;
}

void place_listeners(std::vector<std::shared_ptr<GatewayState>>& gateways, const Options& options,
                     proxy::Snapshot& snapshot, Report& report) {
  std::map<std::pair<std::vector<std::string>, int>, proxy::Listener> placed;
  for (const auto& state : gateways) {
    if (!status::is_true(state->conditions, "Accepted")) continue;
    for (ListenerState& listener : state->listeners) {
      if (!listener.accepted()) continue;
      const bool secure = listener.spec->protocol == "HTTPS";
      if (secure && listener.certificates.empty()) continue;  // never in the clear instead
      proxy::Site site;
      site.origin = {"Gateway",
                     state->gateway->meta.namespace_,
                     state->gateway->meta.name,
                     listener.spec->name,
                     state->gateway->meta.file,
                     report.line("Gateway", state->gateway->meta, field(listener.index))};
      site.protocol = secure ? proxy::SiteProtocol::kHttps : proxy::SiteProtocol::kHttp;
      site.hostname = listener.spec->hostname;
      for (char& c : site.hostname) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      if (secure)
        site.tls = proxy::TlsTermination{listener.certificates, {"h2", "http/1.1"}, std::nullopt};

      proxy::Listener& here = placed[{state->addresses, listener.spec->port}];
      const auto clash =
          std::find_if(here.sites.begin(), here.sites.end(), [&](const proxy::Site& other) {
            return other.protocol != site.protocol || other.hostname == site.hostname;
          });
      if (clash != here.sites.end()) {
        std::string message =
            fmt::format("listener {}: port {} is taken by listener {} of Gateway {}/{}",
                        listener.spec->name, listener.spec->port, clash->origin.section,
                        clash->origin.namespace_, clash->origin.name);
        report.error("Gateway", state->gateway->meta, field(listener.index, ".port"), message);
        status::set(listener.conditions, "Accepted", Value::kFalse, "PortUnavailable",
                    std::move(message));
        continue;
      }
      if (here.sites.empty()) {
        here.addresses = state->addresses;
        here.declared_port = static_cast<std::uint16_t>(listener.spec->port);
        here.port = static_cast<std::uint16_t>(listener.spec->port + options.port_offset);
        here.name = fmt::format("listener~{}", here.declared_port);
        if (!options.address_pool.empty() || state->addresses != options.bind_addresses) {
          here.name += "~" + fmt::format("{}", fmt::join(state->addresses, ","));
        }
      }
      listener.snapshot_listener = here.name;
      site.routes = std::move(listener.table);
      here.sites.push_back(std::move(site));
    }
  }
  for (auto& [key, listener] : placed) {
    if (!listener.sites.empty()) snapshot.listeners.push_back(std::move(listener));
  }
  std::sort(snapshot.listeners.begin(), snapshot.listeners.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

}  // namespace tidegate::controlloop::translate
