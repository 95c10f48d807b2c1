#include "controlloop/translate/listener_policies.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "config/kinds/core/service.h"
#include "controlloop/translate/ca_certificates.h"
#include "controlloop/translate/http_settings.h"
#include "controlloop/translate/place.h"

namespace tidegate::controlloop::translate {

namespace kgateway = config::kgateway;
using kgateway::HttpListenerPolicy;
using kgateway::ListenerPolicy;

namespace {

template <class Policy>
std::vector<policy::PolicyObject> policy_objects(const config::ObjectSet& objects,
                                                 const char* kind) {
  std::vector<policy::PolicyObject> out;
  auto add = [&](const config::Objects<Policy>& all, bool valid) {
    for (const auto& [key, one] : all) {
      policy::PolicyObject& to = out.emplace_back();
      to.kind = kind;
      to.meta = &one->meta;
      to.refs.assign(one->target_refs.begin(), one->target_refs.end());
      for (const kgateway::TargetSelector& selector : one->target_selectors)
        to.selectors.push_back(
            {selector.group, selector.kind, selector.match_labels, selector.section_name});
      to.valid = valid;
    }
  };
  add(objects.all<Policy>(), true);
  add(objects.rejected<Policy>(), false);
  return out;
}

policy::Target target_of(const char* kind, const config::Meta& meta, std::string section = {}) {
  return {config::kGatewayGroup, kind, meta.key(), std::move(section)};
}

const char* kind_of(bool http_kind) { return http_kind ? "HTTPListenerPolicy" : "ListenerPolicy"; }

}  // namespace

ListenerPolicies::ListenerPolicies(const config::ObjectSet& objects, const Options& options,
                                   policy::References& references, Report& report)
    : objects_(objects),
      options_(options),
      references_(references),
      report_(report),
      attachments_(policy_objects<ListenerPolicy>(objects, "ListenerPolicy"), objects,
                   options.global_policy_namespace, report),
      http_attachments_(policy_objects<HttpListenerPolicy>(objects, "HTTPListenerPolicy"), objects,
                        options.global_policy_namespace, report),
      statuses_(attachments_),
      http_statuses_(http_attachments_) {
  for (policy::PolicyIndex i = 0; i < attachments_.policies().size(); ++i) {
    const policy::PolicyObject& object = attachments_.policies()[i];
    const ListenerPolicy& one = policy(object);
    if (!object.valid) continue;
    if (one.default_ && one.default_->http_settings)
      judge(false, i, "spec.default.httpSettings", *one.default_->http_settings);
    for (std::size_t port = 0; port < one.per_port.size(); ++port) {
      if (one.per_port[port].listener.http_settings)
        judge(false, i, fmt::format("spec.perPort[{}].listener.httpSettings", port),
              *one.per_port[port].listener.http_settings);
    }
  }
  for (policy::PolicyIndex i = 0; i < http_attachments_.policies().size(); ++i) {
    const policy::PolicyObject& object = http_attachments_.policies()[i];
    if (object.valid)
      judge(true, i, "spec", *objects.all<HttpListenerPolicy>().at(object.meta->key()));
  }
}

const ListenerPolicy& ListenerPolicies::policy(const policy::PolicyObject& object) const {
  const auto& from =
      object.valid ? objects_.all<ListenerPolicy>() : objects_.rejected<ListenerPolicy>();
  return *from.at(object.meta->key());
}

void ListenerPolicies::judge(bool http_kind, policy::PolicyIndex index, const std::string& path,
                             const kgateway::HttpSettings& settings) {
  const policy::Attachments& all = http_kind ? http_attachments_ : attachments_;
  const config::Meta& meta = *all.policies()[index].meta;
  const char* kind = kind_of(http_kind);
  proxy::HttpOptions options =
      http_options(settings, [&](std::string_view at, std::string message) {
        report_.warning(kind, meta, fmt::format("{}.{}", path, at), std::move(message));
      });
  add_remote_logs(
      settings, "", "",
      [](const kgateway::TelemetryService&, std::string_view) {
        return FoundCollector{"-", false};
      },
      options);
  std::vector<std::string> problems;
  if (options_.check_http) problems = options_.check_http(options);
  if (problems.empty()) return;
  for (const std::string& problem : problems)
    report_.error(kind, meta, path, problem + "; it is left out, the rest of the policy holds");
  (http_kind ? http_statuses_ : statuses_)
      .invalid(index, fmt::format("{}", fmt::join(problems, "; ")));
}

void ListenerPolicies::add(bool http_kind, const policy::Target& target, int port,
                           std::vector<Found>& out) const {
  const policy::Attachments& all = http_kind ? http_attachments_ : attachments_;
  for (const policy::PolicyIndex index : all.at(target)) {
    const policy::PolicyObject& object = all.policies()[index];
    if (http_kind && !object.valid) continue;
    Found found;
    found.http_kind = http_kind;
    found.policy = index;
    found.meta = object.meta;
    found.valid = object.valid;
    found.of_listener = !target.section.empty();
    if (http_kind) {
      found.settings.http_settings = *objects_.all<HttpListenerPolicy>().at(object.meta->key());
    } else {
      const ListenerPolicy& one = policy(object);
      if (one.default_) {
        found.settings = *one.default_;
        found.client_certificates = one.default_->client_certificate_validation;
      }
      for (const ListenerPolicy::Port& mine : one.per_port) {
        if (mine.port == port) found.settings = mine.listener;
      }
    }
    out.push_back(std::move(found));
  }
}

std::vector<ListenerPolicies::Found> ListenerPolicies::found_at(
    const ListenerState& listener, const config::Gateway& gateway) const {
  std::vector<Found> out;
  const int port = listener.spec->port;
  for (const bool http_kind : {false, true}) {
    add(http_kind, target_of(listener.owner.kind, *listener.owner.meta, listener.spec->name), port,
        out);
    if (listener.owner.meta != &gateway.meta)
      add(http_kind, target_of(listener.owner.kind, *listener.owner.meta), port, out);
    add(http_kind, target_of("Gateway", gateway.meta), port, out);
  }
  return out;
}

/// A listener whose clients cannot be told from others is not served.
void ListenerPolicies::validate_clients(ListenerState& listener, const Found& from) {
  const char* path = "spec.default.clientCertificateValidation";
  auto refuse = [&](std::string message) {
    report_.error("ListenerPolicy", *from.meta, path, message);
    statuses_.invalid(from.policy, message);
    status::set(listener.conditions, "Accepted", status::Condition::Value::kFalse,
                "NoValidCACertificate",
                fmt::format("ListenerPolicy {}: {}", from.meta->name, message));
  };
  if (!from.valid)
    return refuse("it demands client certificates, and is not valid: nobody is let in");
  CaCertificates ca = ca_certificates(objects_, "ListenerPolicy", from.meta->namespace_,
                                      from.client_certificates->ca_certificate_refs);
  if (ca.pem.empty())
    return refuse(ca.message.empty() ? "no certificate authority for clients could be read"
                                     : ca.message);
  if (!ca.reason.empty()) {
    report_.error("ListenerPolicy", *from.meta, path, ca.message);
    statuses_.invalid(from.policy, ca.message);
  }
  using Mode = proxy::ClientValidation::Mode;
  if (!from.of_listener && listener.tls.client && listener.tls.client->mode == Mode::kRequire) {
    report_.warning("ListenerPolicy", *from.meta, path,
                    fmt::format("spec.tls.frontend of the Gateway holds for listener {} instead",
                                listener.spec->name));
    return;
  }
  proxy::ClientValidation& to = listener.tls.client.emplace();
  to.ca_pem = std::move(ca.pem);
  to.mode = from.client_certificates->mode == kgateway::ClientCertificates::Mode::kOptional
                ? Mode::kOptional
                : Mode::kRequire;
}

FindCollector ListenerPolicies::find_from(const Found& found) {
  return [this, found](const kgateway::TelemetryService& service, std::string_view at) {
    const char* kind = found.http_kind ? "HTTPListenerPolicy" : "ListenerPolicy";
    const config::BackendRef& ref = service.backend_ref;
    FoundCollector out;
    const std::string& namespace_ = ref.namespace_ ? *ref.namespace_ : found.meta->namespace_;
    if (const auto* backend = ref.kind == "Service"
                                  ? objects_.find<config::Service>(namespace_, ref.name)
                                  : nullptr) {
      for (const config::ServicePort& port : backend->ports) {
        if (ref.port && port.port == *ref.port)
          out.http = port.name == "otlp-http" || port.app_protocol == "http";
      }
    }
    const bool envoy = at.ends_with("].grpcService");  // Envoy's service is gRPC's alone
    out.http = out.http && !envoy;
    policy::References::Backend backend =
        references_.backend(kind, found.meta->namespace_,
                            {ref.group, ref.kind, ref.name, ref.namespace_, ref.port}, !out.http);
    out.cluster = std::move(backend.cluster);
    if (backend.problem.empty()) return out;
    out.cluster.clear();
    if (!told_.emplace(found.http_kind, found.policy, std::string(at)).second) return out;
    const std::string_view path = found.http_kind ? "spec" : "spec.default.httpSettings";
    report_.error(kind, *found.meta, fmt::format("{}.{}.backendRef", path, at), backend.problem);
    (found.http_kind ? http_statuses_ : statuses_).invalid(found.policy, backend.problem);
    return out;
  };
}

std::vector<ListenerPolicies::Id> ListenerPolicies::put(ListenerState& listener,
                                                        const config::Gateway& gateway) {
  std::vector<Id> http_from;
  Settings merged;
  const Found* first = nullptr;
  const Found* certificates = nullptr;
  const Found* logs_from = nullptr;
  const Found* tracing_from = nullptr;
  const std::vector<Found> all = found_at(listener, gateway);
  std::size_t given = 0;
  for (const Found& one : all) {
    bool took = one.valid && fill(merged, one.settings);
    if (merged.http_settings && !merged.http_settings->access_log.empty() && !logs_from)
      logs_from = &one;
    if (merged.http_settings && merged.http_settings->tracing && !tracing_from) tracing_from = &one;
    if (one.client_certificates && !certificates) {
      certificates = &one;
      took = true;
    }
    if (!one.valid) continue;
    if (took) ++given;
    if (took && one.settings.http_settings) http_from.emplace_back(one.http_kind, one.policy);
    if (took && !first) first = &one;
    const policy::Reach reach = !took       ? policy::Reach::kOverridden
                                : given > 1 ? policy::Reach::kMerged
                                            : policy::Reach::kAttached;
    (one.http_kind ? http_statuses_ : statuses_)
        .reach(one.policy, target_of("Gateway", gateway.meta), reach);
  }
  if (certificates && listener.terminates()) validate_clients(listener, *certificates);
  if (!first) return {};
  listener.connection = connection_options(merged);
  if (!merged.http_settings) return {};
  const char* kind = kind_of(first->http_kind);
  listener.http = http_options(*merged.http_settings, [](std::string_view, std::string) {});
  const std::string node = gateway.meta.name + "." + gateway.meta.namespace_;
  if (logs_from)
    add_remote_logs(*merged.http_settings, node, options_.zone, find_from(*logs_from),
                    *listener.http);
  if (tracing_from)
    add_tracing(*merged.http_settings, node, find_from(*tracing_from), *listener.http);
  listener.http->origin = {kind, first->meta->namespace_, first->meta->name,
                           "",   first->meta->file,       report_.line(kind, *first->meta, "spec")};
  return http_from;
}

void ListenerPolicies::lose(const Plain& plain, const std::string& message) {
  const ListenerState& listener = *plain.listener;
  report_.warning(listener.owner.kind, *listener.owner.meta, listener.field(".port"), message);
  for (const auto& [http_kind, index] : plain.from) {
    const policy::Attachments& all = http_kind ? http_attachments_ : attachments_;
    report_.warning(kind_of(http_kind), *all.policies()[index].meta, "spec", message);
    (http_kind ? http_statuses_ : statuses_)
        .conflict(index, target_of("Gateway", plain.gateway->meta), message);
  }
}

void ListenerPolicies::join(std::vector<Plain>& listeners) {
  const auto first = std::find_if(listeners.begin(), listeners.end(),
                                  [](const Plain& one) { return one.listener->http.has_value(); });
  if (first == listeners.end()) return;
  auto name = [](const Plain& one) {
    return fmt::format("{} of {} {}/{}", one.listener->spec->name, one.listener->owner.kind,
                       one.listener->owner.meta->namespace_, one.listener->owner.meta->name);
  };
  proxy::HttpOptions joined = *first->listener->http;
  std::string narrowed;
  for (const Plain& one : listeners) {
    if (same_settings(one.listener->http, first->listener->http)) continue;
    lose(one, fmt::format("the settings of HTTP of listener {} hold for listener {} too: they "
                          "share port {} without TLS",
                          name(*first), name(one), one.listener->spec->port));
    if (narrow_trust(joined, one.listener->http) && narrowed.empty()) narrowed = name(one);
  }
  if (!narrowed.empty()) {
    lose(*first, fmt::format("of what clients say of themselves no more is believed than listener "
                             "{} allows, which shares port {} without TLS",
                             narrowed, first->listener->spec->port));
  }
  for (const Plain& one : listeners) one.listener->http = joined;
}

void ListenerPolicies::apply(std::vector<std::shared_ptr<GatewayState>>& gateways) {
  if (attachments_.policies().empty() && http_attachments_.policies().empty()) return;
  std::map<const ListenerState*, std::vector<Id>> from;
  for (const auto& state : gateways) {
    for (ListenerState& listener : state->listeners)
      from[&listener] = put(listener, *state->gateway);
  }
  // Who is not served has no say in how the others are.
  const Clashes taken = find_clashes(gateways);
  std::map<std::pair<std::vector<std::string>, int>, std::vector<Plain>> ports;
  for (const auto& state : gateways) {
    const bool served = status::is_true(state->conditions, "Accepted");
    for (ListenerState& listener : state->listeners) {
      if (served && listener.accepted() && listener.spec->protocol == "HTTP" &&
          !taken.contains(&listener))
        ports[{state->addresses, listener.spec->port}].push_back(
            {&listener, state->gateway.get(), std::move(from[&listener])});
    }
  }
  for (auto& [port, listeners] : ports) join(listeners);
}

void ListenerPolicies::statuses(const std::string& controller_name, status::Statuses& out) const {
  statuses_.write(controller_name, out);
  http_statuses_.write(controller_name, out);
}

}  // namespace tidegate::controlloop::translate
