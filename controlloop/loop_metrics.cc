#include "controlloop/loop_metrics.h"

#include <algorithm>
#include <set>
#include <utility>

#include "config/kind_table.h"
#include "controlloop/object_metrics.h"

namespace tidegate::controlloop {
namespace {

using Type = Metric::Type;
using Labels = std::vector<std::pair<std::string, std::string>>;

const std::vector<double> kTranslationBounds{.0001, .00025, .0005, .001, .0025, .005, .01,
                                             .025,  .05,    .1,    .25,  .5,    1};
const std::vector<double> kTransformBounds{.0005, .001, .0025, .005, .01, .025, .05,
                                           .1,    .25,  .5,    1,    2.5, 5};
const std::vector<double> kSyncBounds{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800};

bool is_gateway(const config::Object& object) { return object.kind->kind == "Gateway"; }

Metric value(Type type, const char* name, const char* help, Labels labels, double number) {
  return {name, help, type, std::move(labels), number, {}, 0};
}

/// The Gateways that a route or policy names as its parents; none: the label is empty.
std::string parent_of(const config::Object& object) {
  const boost::json::object* root = object.raw->if_object();
  const boost::json::value* spec = root == nullptr ? nullptr : root->if_contains("spec");
  if (spec == nullptr || !spec->is_object()) return {};
  for (const char* where : {"parentRefs", "targetRefs"}) {
    const boost::json::value* refs = spec->get_object().if_contains(where);
    if (refs == nullptr || !refs->is_array() || refs->get_array().empty()) continue;
    const boost::json::object* first = refs->get_array()[0].if_object();
    const boost::json::value* name = first == nullptr ? nullptr : first->if_contains("name");
    if (name != nullptr && name->is_string()) return std::string(name->get_string());
  }
  return {};
}

/// The resources of one Gateway in a snapshot.
struct Resources {
  std::set<std::string> listeners, clusters;
  std::map<std::uint16_t, std::set<std::string>> domains;
  std::size_t routes = 0;
  std::size_t endpoints = 0;
};

std::map<config::NamespacedName, Resources> resources_of(const proxy::Snapshot& snapshot) {
  std::map<config::NamespacedName, Resources> out;
  for (const proxy::Listener& listener : snapshot.listeners) {
    for (const proxy::Site& site : listener.sites) {
      Resources& to = out[{site.origin.namespace_, site.origin.name}];
      to.listeners.insert(listener.name);
      for (const proxy::VirtualHost& host : site.routes.hosts)
        to.domains[listener.declared_port].insert(host.hostname);
      to.routes += site.routes.rules.size() + site.streams.size();
      for (const proxy::Rule& rule : site.routes.rules) {
        if (const auto* forward = std::get_if<proxy::Forward>(&rule.action)) {
          for (const proxy::WeightedCluster& one : forward->clusters)
            to.clusters.insert(one.cluster);
        }
      }
      for (const proxy::StreamRoute& stream : site.streams) {
        for (const proxy::WeightedCluster& one : stream.clusters) to.clusters.insert(one.cluster);
      }
    }
  }
  for (auto& [gateway, to] : out) {
    to.clusters.erase("");
    for (const std::string& name : to.clusters) {
      auto found = snapshot.clusters.find(name);
      if (found != snapshot.clusters.end()) to.endpoints += found->second.endpoints.size();
    }
  }
  return out;
}

void add_resources(std::vector<Metric>& out, const proxy::Snapshot& snapshot) {
  for (const auto& [gateway, of] : resources_of(snapshot)) {
    for (const auto& [resource, count] :
         {std::pair{"Listener", of.listeners.size()}, std::pair{"Cluster", of.clusters.size()},
          std::pair{"Route", of.routes}, std::pair{"Endpoint", of.endpoints}}) {
      out.push_back(value(
          Type::kGauge, "kgateway_xds_snapshot_resources",
          "parts of the snapshot that serve a Gateway",
          {{"gateway", gateway.name}, {"namespace", gateway.namespace_}, {"resource", resource}},
          static_cast<double>(count)));
    }
    for (const auto& [port, names] : of.domains) {
      out.push_back(value(Type::kGauge, "kgateway_routing_domains", "host names on a port",
                          {{"namespace", gateway.namespace_},
                           {"gateway", gateway.name},
                           {"port", std::to_string(port)}},
                          static_cast<double>(names.size())));
    }
  }
}

/// Kinds whose status the loop writes.
const std::set<std::string, std::less<>> kWatched = {"Gateway",
                                                     "ListenerSet",
                                                     "HTTPRoute",
                                                     "GRPCRoute",
                                                     "TCPRoute",
                                                     "TLSRoute",
                                                     "UDPRoute",
                                                     "TrafficPolicy",
                                                     "ListenerPolicy",
                                                     "HTTPListenerPolicy",
                                                     "BackendConfigPolicy",
                                                     "BackendTLSPolicy",
                                                     "Backend"};

/// Calls count(gateway) for each rule with a backend that is not there.
template <class Count>
void count_replacements(const proxy::Snapshot& snapshot, Count count) {
  for (const proxy::Listener& listener : snapshot.listeners) {
    for (const proxy::Site& site : listener.sites) {
      for (const proxy::Rule& rule : site.routes.rules) {
        const auto* forward = std::get_if<proxy::Forward>(&rule.action);
        if (forward != nullptr &&
            std::any_of(forward->clusters.begin(), forward->clusters.end(),
                        [](const proxy::WeightedCluster& one) { return one.cluster.empty(); }))
          count(config::NamespacedName{site.origin.namespace_, site.origin.name});
      }
    }
  }
}

void add_objects(std::vector<Metric>& out, const config::ObjectSet& objects) {
  std::map<std::tuple<std::string, std::string, std::string>, double> managed;
  for (const auto& object : objects.objects())
    managed[{object->meta.namespace_, is_gateway(*object) ? object->meta.name : parent_of(*object),
             std::string(object->kind->kind)}] += 1;
  for (const auto& [key, count] : managed) {
    const auto& [space, parent, resource] = key;
    out.push_back(value(Type::kGauge, "kgateway_resources_managed", "objects by kind and Gateway",
                        {{"namespace", space}, {"parent", parent}, {"resource", resource}}, count));
  }
}

}  // namespace

void Durations::record(double seconds) {
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    if (seconds <= bounds_[i]) ++counts_[i];
  }
  ++count_;
  sum_ += seconds;
}

Metric Durations::metric(std::string name, std::string help, Labels labels) const {
  Metric out{std::move(name), std::move(help), Type::kHistogram, std::move(labels), sum_, {},
             count_};
  for (std::size_t i = 0; i < bounds_.size(); ++i) out.buckets.emplace_back(bounds_[i], counts_[i]);
  return out;
}

LoopMetrics::OfGateway::OfGateway()
    : translation(kTranslationBounds),
      transform(kTransformBounds),
      sync(kSyncBounds),
      status(kSyncBounds) {}

void LoopMetrics::translated(const config::ObjectSet& objects,
                             const translate::Translation& translation, double seconds) {
  std::set<config::NamespacedName> there;
  for (const auto& object : objects.objects()) {
    if (!is_gateway(*object)) continue;
    const config::NamespacedName key = object->meta.key();
    there.insert(key);
    OfGateway& of = gateways_[key];
    const bool wrong = std::any_of(
        translation.problems.begin(), translation.problems.end(), [&](const config::Problem& one) {
          return one.severity == config::Severity::kError && one.kind == "Gateway" &&
                 one.namespace_ == key.namespace_ && one.name == key.name;
        });
    ++(wrong ? of.failed_translations : of.translations);
    of.translation.record(seconds);
    of.transform.record(seconds);
  }
  std::erase_if(gateways_, [&](const auto& one) { return !there.contains(one.first); });
  if (translation.snapshot)
    count_replacements(*translation.snapshot, [this](const auto& key) {
      if (auto found = gateways_.find(key); found != gateways_.end()) ++found->second.replacements;
    });
  std::set<std::string> kinds;
  const config::Kind* last = nullptr;  // of thousands of objects few differ from the one before
  for (const auto& object : objects.objects()) {
    if (std::exchange(last, object->kind) == object->kind) continue;
    if (kWatched.contains(object->meta.kind)) kinds.insert(object->meta.kind);
  }
  kinds_.assign(kinds.begin(), kinds.end());
  stale_ = true;
}

void LoopMetrics::applied(double seconds) {
  for (auto& [key, of] : gateways_) {
    ++of.syncs;
    of.sync.record(seconds);
  }
}

void LoopMetrics::opened(const proxy::Snapshot& snapshot, const proxy::Applied& applied) {
  for (auto& [key, of] : gateways_) of.rejected_now = 0;
  if (std::exchange(version_, applied.version) != applied.version) rejected_.clear();
  for (std::size_t i = 0; i < applied.listeners.size() && i < snapshot.listeners.size(); ++i) {
    if (applied.listeners[i].bound) continue;
    const bool is_new = rejected_.insert(snapshot.listeners[i].name).second;
    std::set<config::NamespacedName> of_listener;
    for (const proxy::Site& site : snapshot.listeners[i].sites)
      of_listener.insert({site.origin.namespace_, site.origin.name});
    for (const config::NamespacedName& key : of_listener) {
      auto found = gateways_.find(key);
      if (found == gateways_.end()) continue;
      if (is_new) ++found->second.rejects;
      ++found->second.rejected_now;
    }
  }
}

void LoopMetrics::synced(double seconds) {
  stale_ = true;
  for (auto& [key, of] : gateways_) {
    ++of.status_syncs;
    of.status.record(seconds);
  }
}

void LoopMetrics::add(std::vector<Metric>& out, const config::NamespacedName& key,
                      const OfGateway& of, const std::vector<std::string>& kinds) {
  const Labels plain{{"name", key.name}, {"namespace", key.namespace_}};
  const Labels gateway{{"gateway", key.name}, {"namespace", key.namespace_}};
  auto with = [](Labels labels, const char* name, const char* is) {
    labels.emplace_back(name, is);
    return labels;
  };
  auto count = [&out](const char* name, const char* help, Labels labels, std::uint64_t number) {
    out.push_back(
        value(Type::kCounter, name, help, std::move(labels), static_cast<double>(number)));
  };
  const Labels translator = with(plain, "translator", "TranslateGateway");
  const Labels controller = with(plain, "controller", "gateway");
  for (const auto& [result, number] :
       {std::pair{"success", of.translations}, std::pair{"error", of.failed_translations}}) {
    if (number == 0) continue;
    count("kgateway_translator_translations_total", "translations of a Gateway",
          with(translator, "result", result), number);
    count("kgateway_controller_reconciliations_total", "runs of the control loop",
          with(controller, "result", result), number);
    count("kgateway_xds_snapshot_transforms_total", "snapshots made of a Gateway",
          with(gateway, "result", result), number);
  }
  out.push_back(value(Type::kGauge, "kgateway_translator_translations_running",
                      "translations under way", translator, 0));
  out.push_back(value(Type::kGauge, "kgateway_controller_reconciliations_running",
                      "runs of the control loop under way", controller, 0));
  out.push_back(of.translation.metric("kgateway_translator_translation_duration_seconds",
                                      "time that translations take", translator));
  out.push_back(of.translation.metric("kgateway_controller_reconcile_duration_seconds",
                                      "time that runs of the control loop take", controller));
  out.push_back(of.transform.metric("kgateway_xds_snapshot_transform_duration_seconds",
                                    "time that making a snapshot takes", gateway));
  count("kgateway_xds_snapshot_syncs_total", "snapshots that all workers took", gateway, of.syncs);
  out.push_back(of.sync.metric("kgateway_xds_snapshot_sync_duration_seconds",
                               "time from a change to its service by all workers", gateway));
  for (const char* syncer : {"GatewayStatusSyncer", "RouteStatusSyncer", "PolicyStatusSyncer",
                             "ListenerSetStatusSyncer"}) {
    const Labels labels = with(plain, "syncer", syncer);
    count("kgateway_status_syncer_status_syncs_total", "times statuses were published",
          with(labels, "result", "success"), of.status_syncs);
    out.push_back(of.status.metric("kgateway_status_syncer_status_sync_duration_seconds",
                                   "time from a change to its status", labels));
  }
  for (const std::string& kind : kinds) {
    const Labels labels = with(gateway, "resource", kind.c_str());
    count("kgateway_resources_status_syncs_started_total", "changes that a status follows from",
          labels, of.translations + of.failed_translations);
    count("kgateway_resources_status_syncs_completed_total", "statuses that followed", labels,
          of.status_syncs);
    out.push_back(of.status.metric("kgateway_resources_status_sync_duration_seconds",
                                   "time from a change to its status", labels));
  }
  const Labels routing{{"gateway_namespace", key.namespace_}, {"gateway", key.name}};
  count("kgateway_routing_replacements_total",
        "rules that answer 500 because a backend of theirs is not there",
        with(routing, "error_type", "BackendNotFound"), of.replacements);
  const Labels rejects{{"gateway_namespace", key.namespace_},
                       {"gateway_name", key.name},
                       {"type_url", "type.googleapis.com/envoy.config.listener.v3.Listener"}};
  count("kgateway_envoy_xds_rejects_total", "listeners that could not be opened", rejects,
        of.rejects);
  out.push_back(value(Type::kGauge, "kgateway_envoy_xds_rejects_active",
                      "listeners that are not open", rejects,
                      static_cast<double>(of.rejected_now)));
}

std::vector<Metric> LoopMetrics::metrics(const config::ObjectSet& objects,
                                         const proxy::Snapshot* snapshot,
                                         const status::Statuses& statuses) {
  std::vector<Metric> out;
  for (const auto& [key, of] : gateways_) add(out, key, of, kinds_);
  out.push_back(value(Type::kCounter, "kgateway_resources_updates_dropped_total",
                      "changes that were not looked at", {}, 0));
  if (stale_) {
    of_objects_ = object_metrics(objects, statuses);
    add_objects(of_objects_, objects);
    if (snapshot != nullptr) add_resources(of_objects_, *snapshot);
    stale_ = false;
  }
  out.insert(out.end(), of_objects_.begin(), of_objects_.end());
  return out;
}

}  // namespace tidegate::controlloop
