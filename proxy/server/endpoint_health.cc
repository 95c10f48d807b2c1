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

/// Tells the checker what to check. There is one from the first time on that there is anything.
void Server::check_health() {
  std::map<std::string, upstream::CompiledClusterPtr> clusters;
  std::map<std::string, std::vector<upstream::Address>> addresses;
  for (const auto& [name, cluster] : compiled_->clusters) {
    if (cluster->config.health_check || cluster->config.outliers) count_members(name);
    if (!cluster->config.health_check) continue;
    clusters.emplace(name, cluster);
    addresses.emplace(name, addresses_[name]);
  }
  if (!checker_ && clusters.empty()) return;
  if (!checker_) {
    checker_ = std::make_unique<health::Checker>([this](const health::Checker::Result& result) {
      asio::post(control_, [this, result] { checked(result); });
    });
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

void Server::count_members(const std::string& cluster) {
  auto found = compiled_->clusters.find(cluster);
  if (found == compiled_->clusters.end() ||
      (!found->second->config.health_check && !found->second->config.outliers))
    return;
  HealthStats& counted = stats_.health(cluster);
  std::uint64_t healthy = 0;
  for (const upstream::Address& one : addresses_[cluster]) healthy += one.healthy() ? 1 : 0;
  auto set = [](Gauge& gauge, std::uint64_t value) { gauge.add(value - gauge.get()); };
  set(counted.membership_total, addresses_[cluster].size());
  set(counted.membership_healthy, healthy);
}

}  // namespace tidegate::proxy::server
