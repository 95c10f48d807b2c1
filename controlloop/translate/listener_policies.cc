#include "controlloop/translate/listener_policies.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/kinds/core/service.h"
#include "controlloop/translate/ca_certificates.h"
#include "controlloop/translate/http_settings.h"

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
      http_statuses_(http_attachments_) {}

void ListenerPolicies::add(bool http_kind, const policy::Target& target, int port,
                           std::vector<Found>& out) const {
  const policy::Attachments& all = http_kind ? http_attachments_ : attachments_;
  for (const policy::PolicyIndex index : all.at(target)) {
    const policy::PolicyObject& object = all.policies()[index];
    if (!object.valid) continue;
    Found found;
    found.http_kind = http_kind;
    found.policy = index;
    found.meta = object.meta;
    if (http_kind) {
      found.settings.http_settings =
          *objects_.find<HttpListenerPolicy>(object.meta->namespace_, object.meta->name);
    } else {
      const ListenerPolicy& one =
          *objects_.find<ListenerPolicy>(object.meta->namespace_, object.meta->name);
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

bool ListenerPolicies::right(const Found& found) {
  auto [known, is_new] = judged_.try_emplace({found.http_kind, found.policy}, true);
  if (!is_new || !found.settings.http_settings) return known->second;
  const char* kind = found.http_kind ? "HTTPListenerPolicy" : "ListenerPolicy";
  const std::string path = found.http_kind ? "spec" : "spec.default.httpSettings";
  proxy::HttpOptions options =
      http_options(*found.settings.http_settings, [&](std::string_view at, std::string message) {
        report_.warning(kind, *found.meta, fmt::format("{}.{}", path, at), std::move(message));
      });
  add_remote_logs(
      *found.settings.http_settings, "", "",
      [](const kgateway::TelemetryService&, std::string_view) {
        return FoundCollector{"-", false};
      },
      options);
  std::vector<std::string> problems;
  if (options_.check_http) problems = options_.check_http(options);
  if (problems.empty()) return true;
  for (const std::string& problem : problems) report_.error(kind, *found.meta, path, problem);
  (found.http_kind ? http_statuses_ : statuses_)
      .invalid(found.policy, fmt::format("{}", fmt::join(problems, "; ")));
  return known->second = false;
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

void ListenerPolicies::put(ListenerState& listener, const config::Gateway& gateway) {
  Settings merged;
  std::optional<kgateway::ClientCertificates> certificates;
  const Found* first = nullptr;
  const Found* certificates_from = nullptr;
  const Found* logs_from = nullptr;
  const Found* tracing_from = nullptr;
  const std::vector<Found> all = found_at(listener, gateway);
  std::size_t given = 0;
  for (const Found& one : all) {
    if (!right(one)) continue;
    bool took = fill(merged, one.settings);
    if (merged.http_settings && !merged.http_settings->access_log.empty() && !logs_from)
      logs_from = &one;
    if (merged.http_settings && merged.http_settings->tracing && !tracing_from) tracing_from = &one;
    if (one.client_certificates && !certificates) {
      certificates = one.client_certificates;
      certificates_from = &one;
      took = true;
    }
    if (took) ++given;
    if (took && !first) first = &one;
    const policy::Reach reach = !took       ? policy::Reach::kOverridden
                                : given > 1 ? policy::Reach::kMerged
                                            : policy::Reach::kAttached;
    (one.http_kind ? http_statuses_ : statuses_)
        .reach(one.policy, target_of("Gateway", gateway.meta), reach);
  }
  if (!first) return;
  listener.connection = connection_options(merged);
  const char* kind = first->http_kind ? "HTTPListenerPolicy" : "ListenerPolicy";
  if (merged.http_settings) {
    listener.http = http_options(*merged.http_settings, [](std::string_view, std::string) {});
    const std::string node = gateway.meta.name + "." + gateway.meta.namespace_;
    if (logs_from)
      add_remote_logs(*merged.http_settings, node, options_.zone, find_from(*logs_from),
                      *listener.http);
    if (tracing_from)
      add_tracing(*merged.http_settings, node, find_from(*tracing_from), *listener.http);
    listener.http->origin = {
        kind, first->meta->namespace_, first->meta->name,
        "",   first->meta->file,       report_.line(kind, *first->meta, "spec")};
  }
  if (!certificates || !listener.terminates()) return;
  const CaCertificates ca =
      ca_certificates(objects_, "ListenerPolicy", certificates_from->meta->namespace_,
                      certificates->ca_certificate_refs);
  if (!ca.reason.empty()) {
    report_.error("ListenerPolicy", *certificates_from->meta,
                  "spec.default.clientCertificateValidation.caCertificateRefs", ca.message);
    statuses_.invalid(certificates_from->policy, ca.message);
  }
  using Mode = kgateway::ClientCertificates::Mode;
  proxy::ClientValidation& to = listener.tls.client.emplace();
  // Without any authority nobody is let in.
  to.ca_pem = ca.pem;
  to.mode = certificates->mode == Mode::kOptional && !ca.pem.empty()
                ? proxy::ClientValidation::Mode::kOptional
                : proxy::ClientValidation::Mode::kRequire;
}

void ListenerPolicies::apply(std::vector<std::shared_ptr<GatewayState>>& gateways) {
  if (attachments_.policies().empty() && http_attachments_.policies().empty()) return;
  for (const auto& state : gateways) {
    for (ListenerState& listener : state->listeners) put(listener, *state->gateway);
  }
}

void ListenerPolicies::statuses(const std::string& controller_name, status::Statuses& out) const {
  statuses_.write(controller_name, out);
  http_statuses_.write(controller_name, out);
}

}  // namespace tidegate::controlloop::translate
