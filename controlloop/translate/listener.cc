#include "controlloop/translate/listener.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlloop/translate/ca_certificates.h"
#include "controlloop/translate/certificate.h"
#include "controlloop/translate/tls_options.h"

namespace tidegate::controlloop::translate {
namespace {

using Value = status::Condition::Value;

/// Kinds of routes that a protocol can carry here.
std::vector<std::string> kinds_of(const ListenerState& listener) {
  const std::string& protocol = listener.spec->protocol;
  if (protocol == "HTTP" || protocol == "HTTPS") return {"HTTPRoute", "GRPCRoute"};
  if (protocol == "TLS" && listener.terminates()) return {"TLSRoute", "TCPRoute"};
  if (protocol == "TLS") return {"TLSRoute"};
  if (protocol == "TCP") return {"TCPRoute"};
  if (protocol == "UDP") return {"UDPRoute"};
  return {};
}

void judge_kinds(ListenerState& listener, Report& report) {
  const std::vector<std::string> possible = kinds_of(listener);
  if (listener.spec->allowed_routes.kinds.empty()) {
    listener.supported_kinds = possible;
    return;
  }
  for (const config::RouteGroupKind& wanted : listener.spec->allowed_routes.kinds) {
    const bool known = wanted.group == config::kGatewayGroup &&
                       std::find(possible.begin(), possible.end(), wanted.kind) != possible.end();
    if (known) {
      listener.supported_kinds.push_back(wanted.kind);
    } else {
      listener.fail("ResolvedRefs", "InvalidRouteKinds", ".allowedRoutes.kinds",
                    fmt::format("routes of kind {} do not go with protocol {} here", wanted.kind,
                                listener.spec->protocol),
                    report);
    }
  }
}

void judge_certificates(ListenerState& listener, const config::ObjectSet& objects,
                        proxy::Snapshot& snapshot, Report& report) {
  const std::vector<config::SecretRef> none;
  const auto& refs = listener.spec->tls ? listener.spec->tls->certificate_refs : none;
  if (refs.empty()) {
    listener.fail("ResolvedRefs", "InvalidCertificateRef", ".tls",
                  fmt::format("{} needs tls.certificateRefs", listener.spec->protocol), report);
    return;
  }
  for (std::size_t i = 0; i < refs.size(); ++i) {
    ResolvedCertificate found = resolve_certificate(
        objects, listener.owner.kind, listener.owner.meta->namespace_, refs[i], snapshot);
    if (found.reason.empty()) {
      listener.tls.certificates.push_back(std::move(found.name));
    } else {
      listener.fail("ResolvedRefs", found.reason.c_str(),
                    fmt::format(".tls.certificateRefs[{}]", i), std::move(found.message), report);
    }
  }
}

void judge_tls_options(ListenerState& listener, Report& report) {
  if (listener.spec->protocol == "HTTPS") listener.tls.alpn = {"h2", "http/1.1"};
  if (!listener.spec->tls) return;
  TlsOptions read = read_tls_options(listener.spec->tls->options, listener.tls);
  for (const std::string& warning : read.warnings) {
    report.warning(listener.owner.kind, *listener.owner.meta, listener.field(".tls.options"),
                   fmt::format("listener {}: {}", listener.spec->name, warning));
  }
  if (!read.error.empty())
    listener.fail("Accepted", "UnsupportedValue", ".tls.options", read.error, report);
}

/// Gateway.spec.tls.frontend: what a port says, else the default.
void judge_client_validation(ListenerState& listener, const config::Gateway& gateway,
                             const config::ObjectSet& objects, Report& report) {
  if (!gateway.tls || listener.spec->protocol != "HTTPS") return;
  const std::optional<config::FrontendValidation>* wanted = &gateway.tls->frontend_validation;
  for (const config::FrontendTlsPort& one : gateway.tls->frontend_per_port) {
    if (one.port == listener.spec->port) wanted = &one.validation;
  }
  if (!*wanted) return;
  CaCertificates found =
      ca_certificates(objects, "Gateway", gateway.meta.namespace_, (*wanted)->ca_certificate_refs);
  if (!found.reason.empty())
    listener.fail("ResolvedRefs", found.reason.c_str(), "", found.message, report);
  if (found.pem.empty()) {
    status::set(listener.conditions, "Accepted", Value::kFalse, "NoValidCACertificate",
                "no certificate authority for clients could be read");
    return;
  }
  proxy::ClientValidation& to = listener.tls.client.emplace();
  to.ca_pem = std::move(found.pem);
  if ((*wanted)->mode == config::FrontendValidationMode::kAllowInsecureFallback)
    to.mode = proxy::ClientValidation::Mode::kAllowInsecureFallback;
}

/// Why two listeners cannot be told apart; null: they can.
const char* conflict(const config::ListenerSpec& one, const config::ListenerSpec& other) {
  if (other.port != one.port) return nullptr;
  // UDP has ports of its own.
  if ((other.protocol == "UDP") != (one.protocol == "UDP")) return nullptr;
  if (share_port(one.protocol, other.protocol) && one.hostname != other.hostname) return nullptr;
  return one.protocol == other.protocol ? "HostnameConflict" : "ProtocolConflict";
}

}  // namespace

bool ListenerState::terminates() const {
  return spec->protocol == "HTTPS" ||
         (spec->protocol == "TLS" && spec->tls && spec->tls->mode == config::TlsMode::kTerminate);
}

std::string ListenerState::field(std::string_view rest) const {
  return fmt::format("spec.listeners[{}]{}", index, rest);
}

void ListenerState::fail(const char* condition, const char* reason, std::string_view path,
                         std::string message, Report& report) {
  message = fmt::format("listener {}: {}", spec->name, message);
  report.error(owner.kind, *owner.meta, field(path), message);
  status::set(conditions, condition, Value::kFalse, reason, std::move(message));
}

bool share_port(std::string_view protocol, std::string_view other) {
  auto secure = [](std::string_view one) { return one == "HTTPS" || one == "TLS"; };
  return (protocol == "HTTP" && other == "HTTP") || (secure(protocol) && secure(other));
}

void judge_conflicts(std::vector<ListenerState>& listeners, Report& report) {
  std::map<int, std::vector<ListenerState*>> by_port;
  for (ListenerState& one : listeners) by_port[one.spec->port].push_back(&one);
  auto refuse = [&report](ListenerState& one, const char* reason, const ListenerState& with) {
    const bool sibling = with.owner.meta == one.owner.meta;
    const std::string message =
        fmt::format("conflicts with listener {}{}", with.spec->name,
                    sibling ? std::string()
                            : fmt::format(" of {} {}/{}", with.owner.kind,
                                          with.owner.meta->namespace_, with.owner.meta->name));
    report.error(one.owner.kind, *one.owner.meta, one.field(),
                 fmt::format("listener {}: {}", one.spec->name, message));
    status::set(one.conditions, "Conflicted", Value::kTrue, reason, message);
    status::set(one.conditions, "Accepted", Value::kFalse, reason, message);
  };
  // The first of `others` that is in the way of `one`; a clash of protocols says more than one of
  // names.
  auto look = [](const ListenerState& one, const std::vector<ListenerState*>& others,
                 const char*& reason) {
    const ListenerState* with = nullptr;
    for (const ListenerState* other : others) {
      const char* found = other == &one ? nullptr : conflict(*one.spec, *other->spec);
      if (found == nullptr) continue;
      reason = found;
      with = other;
      if (std::string_view(found) == "ProtocolConflict") break;
    }
    return with;
  };
  for (auto& [port, all] : by_port) {
    std::vector<ListenerState*> winners;
    for (auto begin = all.begin(); begin != all.end();) {
      const auto end = std::find_if(begin, all.end(), [&](const ListenerState* one) {
        return one->owner.meta != (*begin)->owner.meta;
      });
      std::vector<ListenerState*> left;  // of this object, those that no earlier one excludes
      for (auto one = begin; one != end; ++one) {
        const char* reason = nullptr;
        const ListenerState* with = look(**one, winners, reason);
        if (with == nullptr) {
          left.push_back(*one);
        } else {
          refuse(**one, reason, *with);
        }
      }
      for (ListenerState* one : left) {
        const char* reason = nullptr;
        if (const ListenerState* with = look(*one, left, reason)) {
          refuse(*one, reason, *with);
        } else {
          status::set(one->conditions, "Conflicted", Value::kFalse, "NoConflicts", "");
          winners.push_back(one);
        }
      }
      begin = end;
    }
  }
}

void judge_listener(ListenerState& listener, const config::Gateway& gateway,
                    const config::ObjectSet& objects, const Options& options,
                    proxy::Snapshot& snapshot, Report& report) {
  status::set(listener.conditions, "Accepted", Value::kTrue, "Accepted", "");
  status::set(listener.conditions, "ResolvedRefs", Value::kTrue, "ResolvedRefs", "");
  if (kinds_of(listener).empty()) {
    listener.fail("Accepted", "UnsupportedProtocol", ".protocol",
                  fmt::format("protocol {} is not supported", listener.spec->protocol), report);
  }
  const int port = listener.spec->port + options.port_offset;
  const bool reserved = std::find(options.reserved_ports.begin(), options.reserved_ports.end(),
                                  port) != options.reserved_ports.end();
  if ((reserved && listener.spec->protocol != "UDP") || port > 65535) {
    listener.fail("Accepted", "PortUnavailable", ".port",
                  fmt::format("port {} is {}", listener.spec->port,
                              port > 65535 ? "too high with --port-offset"
                                           : "reserved for Tidegate's own use"),
                  report);
  }
  judge_kinds(listener, report);
  if (listener.terminates()) {
    judge_certificates(listener, objects, snapshot, report);
    judge_tls_options(listener, report);
  }
  judge_client_validation(listener, gateway, objects, report);
}

}  // namespace tidegate::controlloop::translate
