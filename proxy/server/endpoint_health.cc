#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>
#include <set>

#include "base/log.h"
#include "proxy/server/server.h"

/// The part of Server that knows how endpoints are: health checks and outlier detection.
namespace tidegate::proxy::server {

namespace asio = boost::asio;

/// Clusters of the new snapshot: who is watched, and who is not any more.
void Server::follow_health() {
  std::erase_if(outliers_, [this](const auto& known) {
    auto found = compiled_->clusters.find(known.first);
    return found == compiled_->clusters.end() || !found->second->config.outliers;
  });
  std::erase_if(healthy_, [this](const auto& known) {
    auto found = compiled_->clusters.find(known.first);
    return found == compiled_->clusters.end() || !found->second->config.health_check;
  });
  for (const auto& [name, cluster] : compiled_->clusters) {
    if (!cluster->config.outliers) continue;
    std::unique_ptr<OutlierState>& state = outliers_[name];
    if (state) continue;
    auto on_tripped = [this, name = name](const asio::ip::tcp::endpoint& at, bool local) {
      asio::post(control_, [this, name, at, local] { tripped(name, at, local); });
    };
    state = std::make_unique<OutlierState>(
        health::Outliers(stats_.health(name), std::move(on_tripped), std::random_device{}()),
        control_);
    state->outliers.update(*cluster->config.outliers, {});
    sweep_outliers(name);
  }
}

void Server::add_health(const Cluster& cluster, std::vector<upstream::Address>& addresses) {
  if (cluster.outliers) {
    if (auto state = outliers_.find(cluster.name); state != outliers_.end()) {
      health::Outliers& outliers = state->second->outliers;
      std::vector<asio::ip::tcp::endpoint> all;
      for (const upstream::Address& one : addresses) all.push_back(one.at);
      outliers.update(*cluster.outliers, all);
      for (upstream::Address& one : addresses) {
        one.watch = outliers.watch(one.at);
        one.ejected = outliers.ejected(one.at);
      }
    }
  }
  if (!cluster.health_check) return;
  auto& known = healthy_[cluster.name];
  std::set<asio::ip::tcp::endpoint> all;
  for (const upstream::Address& one : addresses) all.insert(one.at);
  std::erase_if(known, [&all](const auto& one) { return !all.contains(one.first); });
  for (upstream::Address& one : addresses) {
    auto found = known.find(one.at);
    // Until the first check of all has come back there is nothing to go by.
    one.failed_check = found == known.end() ? !known.empty() : !found->second;
  }
}

/// Tells the checker what to check.
void Server::check_health() {
  std::map<std::string, upstream::CompiledClusterPtr> clusters;
  std::map<std::string, std::vector<upstream::Address>> addresses;
  for (const auto& [name, cluster] : compiled_->clusters) {
    count_members(name);
    if (!cluster->config.health_check) continue;
    clusters.emplace(name, cluster);
    addresses.emplace(name, addresses_[name]);
  }
  checker_->update(std::move(clusters), std::move(addresses));
}

void Server::checked(const health::Checker::Result& result) {
  auto cluster = compiled_->clusters.find(result.cluster);
  if (cluster == compiled_->clusters.end() || !cluster->second->config.health_check) return;
  HealthStats& counted = stats_.health(result.cluster);
  counted.health_check_attempt.add();
  const bool good = result.outcome == health::Outcome::kGood;
  (good ? counted.health_check_success : counted.health_check_failure).add();
  if (result.outcome == health::Outcome::kSilent) counted.health_check_network_failure.add();
  auto& known = healthy_[result.cluster];
  auto before = known.find(result.at);
  if (before != known.end() && before->second == result.healthy) return;
  if (before != known.end() || !result.healthy) {
    log::info(log::Component::kUpstream, "{}: {} {} its health check", result.cluster,
              upstream::text_of(result.at), result.healthy ? "passes" : "fails");
  }
  known[result.at] = result.healthy;
  addresses_changed(result.cluster);
}

void Server::tripped(const std::string& cluster, const asio::ip::tcp::endpoint& at, bool local) {
  auto state = outliers_.find(cluster);
  if (state == outliers_.end()) return;
  if (!state->second->outliers.tripped(at, std::chrono::steady_clock::now(), local)) return;
  log::info(log::Component::kUpstream, "{}: {} is ejected: it failed {} times in a row", cluster,
            upstream::text_of(at), state->second->outliers.config().consecutive_5xx);
  addresses_changed(cluster);
}

void Server::sweep_outliers(const std::string& cluster) {
  auto state = outliers_.find(cluster);
  if (state == outliers_.end()) return;
  if (state->second->outliers.sweep(std::chrono::steady_clock::now())) addresses_changed(cluster);
  const auto interval =
      std::max(state->second->outliers.config().interval, std::chrono::milliseconds(10));
  state->second->timer.expires_after(interval);
  state->second->timer.async_wait([this, cluster](error_code cancelled) {
    if (!cancelled) sweep_outliers(cluster);
  });
}

void Server::count_members(const std::string& name) {
  auto found = compiled_->clusters.find(name);
  if (found == compiled_->clusters.end()) return;
  const Cluster& config = found->second->config;
  const std::vector<upstream::Address>& all = addresses_[name];
  MembershipStats& counted = stats_.membership(name);
  std::uint64_t healthy = 0, heaviest = 0;
  std::set<asio::ip::tcp::endpoint> now;
  for (const upstream::Address& one : all) {
    healthy += one.healthy() ? 1 : 0;
    heaviest = std::max<std::uint64_t>(heaviest, one.weight);
    now.insert(one.at);
  }
  auto set = [](Gauge& gauge, std::uint64_t value) { gauge.add(value - gauge.get()); };
  set(counted.membership_total, all.size());
  set(counted.membership_healthy, healthy);
  set(counted.max_host_weight, heaviest);
  // It waits for the names of its endpoints, or for what the first checks say.
  const bool unchecked = config.health_check && !all.empty() && healthy_[name].empty();
  set(counted.warming_state, (all.empty() && !config.endpoints.empty()) || unchecked ? 1 : 0);
  if (config.health_check) set(stats_.health(name).health_check_healthy, healthy);
  counted.update_attempt.add();
  counted.update_success.add();
  if (all.empty()) counted.update_empty.add();
  std::set<asio::ip::tcp::endpoint>& before = members_[name];
  (before == now ? counted.update_no_rebuild : counted.membership_change).add();
  before = std::move(now);
}

/// Counts what a snapshot changes, before it is taken.
void Server::count_changes(const Snapshot& next) {
  static const Snapshot kNone;
  const Snapshot& before = compiled_ ? *compiled_->snapshot : kNone;
  ClusterManagerStats& clusters = stats_.cluster_manager();
  clusters.cds_update_attempt.add();
  clusters.cds_update_success.add();
  std::set<std::string> names;
  for (const auto& [name, cluster] : next.clusters) {
    names.insert(name);
    const auto known = before.clusters.find(name);
    if (known == before.clusters.end()) {
      clusters.cluster_added.add();
    } else if (!(known->second == cluster)) {
      clusters.cluster_modified.add();
      clusters.cluster_updated.add();
    }
  }
  for (const auto& [name, cluster] : before.clusters) {
    if (!next.clusters.contains(name)) clusters.cluster_removed.add();
  }
  std::erase_if(members_, [&names](const auto& one) { return !names.contains(one.first); });
  stats_.clusters_are(names, StatsStore::Clock::now());
  ListenerManagerStats& listeners = stats_.listener_manager();
  listeners.lds_update_attempt.add();
  listeners.lds_update_success.add();
  auto named = [](const Snapshot& in, const std::string& name) {
    return std::find_if(in.listeners.begin(), in.listeners.end(),
                        [&name](const Listener& one) { return one.name == name; });
  };
  for (const Listener& listener : next.listeners) {
    const auto known = named(before, listener.name);
    if (known == before.listeners.end()) {
      listeners.listener_added.add();
    } else if (!(*known == listener)) {
      listeners.listener_modified.add();
      listeners.listener_in_place_updated.add();
    }
  }
  for (const Listener& listener : before.listeners) {
    if (named(next, listener.name) == next.listeners.end()) listeners.listener_removed.add();
  }
}

}  // namespace tidegate::proxy::server
