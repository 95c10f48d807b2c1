#include "controlloop/translate/backend_tls.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlloop/translate/ca_certificates.h"
#include "controlloop/translate/cluster_names.h"
#include "proxy/snapshot/all_filter_settings.h"
#include "proxy/snapshot/closed.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;
using Value = status::Condition::Value;

namespace {

/// Says where a policy holds for nothing.
void check_target(const config::BackendTlsPolicy& policy, const config::PolicyTargetRef& target,
                  const config::ObjectSet& objects, Report& report) {
  const std::string& space = policy.meta.namespace_;
  const auto* service = objects.find<config::Service>(space, target.name);
  if (service == nullptr) {
    report.warning("BackendTLSPolicy", policy.meta, "spec.targetRefs",
                   fmt::format("Service {}/{} does not exist", space, target.name));
    return;
  }
  if (!target.section_name) return;
  const bool known =
      std::any_of(service->ports.begin(), service->ports.end(),
                  [&](const auto& port) { return port.name == *target.section_name; });
  if (known) return;
  report.error("BackendTLSPolicy", policy.meta, "spec.targetRefs",
               fmt::format("Service {}/{} has no port {}: the policy holds for nothing there",
                           space, target.name, *target.section_name));
}

}  // namespace

BackendTls::BackendTls(const config::ObjectSet& objects, Report& report) {
  for (const auto& [key, policy] : objects.all<config::BackendTlsPolicy>())
    add(policy, true, objects, report);
  for (const auto& [key, policy] : objects.rejected<config::BackendTlsPolicy>())
    add(policy, false, objects, report);
  std::stable_sort(policies_.begin(), policies_.end(), [](const auto& a, const auto& b) {
    return config::older(a->object->meta, b->object->meta);
  });
  for (const auto& policy : policies_) {
    for (const config::PolicyTargetRef& target : policy->object->target_refs) {
      if (!target.group.empty() || target.kind != "Service") {
        report.warning("BackendTLSPolicy", policy->object->meta, "spec.targetRefs",
                       fmt::format("a target of kind {} has no effect", target.kind));
        continue;
      }
      check_target(*policy->object, target, objects, report);
      auto& others = by_target_[{{policy->object->meta.namespace_, target.name},
                                 target.section_name.value_or("")}];
      policy->counts = policy->counts || others.empty();
      others.push_back(policy.get());
    }
    if (policy->counts || policy->object->target_refs.empty() || !policy->accepted()) continue;
    const std::string message = "an older BackendTLSPolicy has the same target";
    report.error("BackendTLSPolicy", policy->object->meta, "spec.targetRefs", message);
    status::set(policy->conditions, "Accepted", Value::kFalse, "Conflicted", message);
  }
}

void BackendTls::add(std::shared_ptr<const config::BackendTlsPolicy> object, bool valid,
                     const config::ObjectSet& objects, Report& report) {
  Policy& policy = *policies_.emplace_back(std::make_unique<Policy>());
  policy.object = std::move(object);
  const config::Meta& meta = policy.object->meta;
  const config::BackendTlsPolicy::Validation& from = policy.object->validation;
  status::set(policy.conditions, "Accepted", Value::kTrue, "Accepted", "");
  status::set(policy.conditions, "ResolvedRefs", Value::kTrue, "ResolvedRefs", "");
  if (!valid) {
    status::set(policy.conditions, "Accepted", Value::kFalse, "Invalid",
                "the object is not valid: see its problems");
    return;
  }
  policy.tls.sni = from.hostname;
  for (const config::SubjectAltName& name : from.subject_alt_names) {
    policy.tls.sans.push_back(name.type == config::SubjectAltName::Type::kUri ? name.uri
                                                                              : name.hostname);
  }
  if (!from.well_known_ca_certificates.empty()) {
    if (from.well_known_ca_certificates == "System") return;  // no PEM: the system's authorities
    const std::string message =
        fmt::format("wellKnownCACertificates {} is not known", from.well_known_ca_certificates);
    report.error("BackendTLSPolicy", meta, "spec.validation.wellKnownCACertificates", message);
    status::set(policy.conditions, "Accepted", Value::kFalse, "Invalid", message);
    return;
  }
  std::vector<config::ObjectRef> refs;
  for (const config::LocalObjectRef& ref : from.ca_certificate_refs)
    refs.push_back({ref.group, ref.kind, ref.name, std::nullopt});
  CaCertificates found = ca_certificates(objects, "BackendTLSPolicy", meta.namespace_, refs);
  if (!found.reason.empty()) {
    report.error("BackendTLSPolicy", meta, "spec.validation.caCertificateRefs", found.message);
    status::set(policy.conditions, "ResolvedRefs", Value::kFalse,
                found.reason == "InvalidCACertificateKind" ? "InvalidKind" : found.reason,
                found.message);
  }
  if (found.pem.empty()) {
    status::set(policy.conditions, "Accepted", Value::kFalse, "NoValidCACertificate",
                found.message);
  }
  policy.tls.ca_pem = std::move(found.pem);
}

void BackendTls::apply(const config::Service& service, const std::string& port_name,
                       proxy::Cluster& cluster) {
  auto found = by_target_.find({service.meta.key(), port_name});
  if (found == by_target_.end()) found = by_target_.find({service.meta.key(), ""});
  if (found == by_target_.end()) return;
  by_cluster_[cluster.name] = found->second;
  const Policy& policy = *found->second.front();
  cluster.tls = policy.tls;
  if (!policy.accepted()) proxy::close(cluster);
}

/// What a Gateway's listeners call: the policies about it have the Gateway as an ancestor, and
/// where the Gateway has a certificate, the names become those of what shows it.
class BackendTls::Callers {
 public:
  Callers(BackendTls& tls, const GatewayState& state, proxy::Snapshot& snapshot)
      : tls_(tls), state_(state), snapshot_(snapshot) {}

  void cluster(std::string& name) {
    auto found = tls_.by_cluster_.find(name);
    if (found == tls_.by_cluster_.end()) return;
    for (Policy* policy : found->second) policy->ancestors.insert(state_.gateway->meta.key());
    if (state_.client_certificate.empty()) return;
    // Connections with different certificates must not share a pool.
    const std::string shown = shown_by(name);
    proxy::Cluster& cluster = snapshot_.clusters[shown];
    if (cluster.name.empty()) {
      cluster = snapshot_.clusters[name];
      cluster.name = shown;
      cluster.tls->client_certificate = state_.client_certificate;
    }
    name = shown;
  }

  /// A filter that other Gateways may have as well: what differs is another filter.
  void shared(std::string& name) {
    auto [known, is_new] = filters_.try_emplace(name, name);
    if (is_new) {
      auto found = snapshot_.shared_filters.find(name);
      if (found == snapshot_.shared_filters.end()) return;
      std::optional<proxy::FilterSettings> own;
      proxy::visit(found->second, [&](const char*, const auto& settings) {
        auto copy = settings;
        visit_clusters(copy, *this);
        if (!(copy == settings)) own.emplace(std::move(copy));
      });
      if (own) {
        known->second = shown_by(name);
        snapshot_.shared_filters.try_emplace(known->second, std::move(*own));
      }
    }
    name = known->second;
  }

 private:
  std::string shown_by(const std::string& name) const {
    return name + "_as_" + state_.client_certificate;
  }

  BackendTls& tls_;
  const GatewayState& state_;
  proxy::Snapshot& snapshot_;
  std::map<std::string, std::string> filters_;  // names, and what they become
};

void BackendTls::finish(const std::vector<std::shared_ptr<GatewayState>>& gateways,
                        proxy::Snapshot& snapshot) {
  if (by_cluster_.empty()) return;
  for (const auto& state : gateways) {
    Callers callers(*this, *state, snapshot);
    for (ListenerState& listener : state->listeners) {
      visit_clusters(listener.table, callers);
      visit_clusters(listener.streams, callers);
      visit_clusters(listener.http, callers);
    }
  }
}

void BackendTls::statuses(const std::string& controller_name, status::Statuses& out) const {
  for (const auto& policy : policies_) {
    const config::Meta& meta = policy->object->meta;
    json::array ancestors;
    for (const config::NamespacedName& gateway : policy->ancestors) {
      if (ancestors.size() == 16) break;  // that PolicyStatus has room for
      json::object ref;
      ref["group"] = config::kGatewayGroup;
      ref["kind"] = "Gateway";
      ref["namespace"] = gateway.namespace_;
      ref["name"] = gateway.name;
      json::object entry;
      entry["ancestorRef"] = std::move(ref);
      entry["controllerName"] = controller_name;
      entry["conditions"] = status::to_json(policy->conditions, meta.generation);
      ancestors.push_back(std::move(entry));
    }
    json::object status;
    status["ancestors"] = std::move(ancestors);
    out[{"BackendTLSPolicy", meta.namespace_, meta.name}] = std::move(status);
  }
}

}  // namespace tidegate::controlloop::translate
