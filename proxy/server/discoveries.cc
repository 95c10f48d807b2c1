#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/log.h"
#include "proxy/aws/ec2.h"
#include "proxy/server/server.h"

/// The part of Server that asks a cloud for endpoints (Cluster::ec2).
namespace tidegate::proxy::server {

namespace asio = boost::asio;
using Outcome = AppliedDiscovery::Outcome;

namespace {

/// The clusters that are asked: of EC2, and of who gives credentials.
std::vector<std::string> asked_by(const Ec2Discovery& what) {
  std::vector<std::string> out{what.api_cluster, what.identity.sts_cluster};
  if (what.identity.source) out.push_back(what.identity.source->cluster);
  return out;
}

}  // namespace

/// A cluster's addresses are others now.
void Server::asked_cluster_moved(const std::string& cluster) {
  for (const auto& [name, discovery] : discoveries_) {
    const std::vector<std::string> asked = asked_by(discovery.what);
    if (std::find(asked.begin(), asked.end(), cluster) != asked.end()) return ask_clouds();
  }
}

/// Clusters of the new snapshot: what was found stays as long as it is what they ask for.
void Server::follow_discoveries() {
  std::erase_if(discoveries_, [this](const auto& known) {
    auto found = compiled_->clusters.find(known.first);
    return found == compiled_->clusters.end() || !found->second->config.ec2 ||
           !aws::same_endpoints(*found->second->config.ec2, known.second.what);
  });
  for (const auto& [name, cluster] : compiled_->clusters) {
    if (!cluster->config.ec2) continue;
    Discovery& one = discoveries_[name];
    one.what = *cluster->config.ec2;
    const AwsIdentity& who = one.what.identity;
    one.identity = lasting_.kept.get<aws::Identity>(
        aws::Identity::key_of(who), [&who] { return std::make_shared<aws::Identity>(who); });
    one.said.cluster = name;
    one.said.origin = cluster->config.origin;
  }
}

/// Tells the watcher what to ask for, and where. There is one from the first time on that there is
/// anything.
void Server::ask_clouds() {
  if (!ec2_ && discoveries_.empty()) return;
  if (!ec2_) {
    ec2_ = std::make_unique<aws::Ec2Watcher>([this](const aws::Ec2Watcher::Found& found) {
      asio::post(control_, [this, found] { discovered(found); });
    });
  }
  std::map<std::string, aws::Ec2Watcher::Wanted> wanted;
  std::map<std::string, upstream::CompiledClusterPtr> apis;
  std::map<std::string, std::vector<upstream::Address>> addresses;
  for (const auto& [name, discovery] : discoveries_) {
    wanted[name] = {discovery.what, discovery.identity};
    for (const std::string& api : asked_by(discovery.what)) {
      auto found = compiled_->clusters.find(api);
      if (found == compiled_->clusters.end()) continue;
      apis.emplace(api, found->second);
      addresses.emplace(api, addresses_[api]);
    }
  }
  ec2_->update(std::move(wanted), std::move(apis), std::move(addresses));
}

void Server::discovered(const aws::Ec2Watcher::Found& found) {
  auto known = discoveries_.find(found.cluster);
  if (known == discoveries_.end() || !(known->second.what == found.what) || draining_) return;
  Discovery& one = known->second;
  AppliedDiscovery said = one.said;
  said.outcome = found.outcome;
  said.problem = found.problem;
  const bool good = found.outcome == Outcome::kFound || found.outcome == Outcome::kNothing;
  const bool others = good && one.endpoints != found.endpoints;
  if (good) said.endpoints = found.endpoints.size();
  if (others) {
    one.endpoints = found.endpoints;
    addresses_changed(found.cluster);
    const auto cluster = compiled_->clusters.find(found.cluster);
    if (cluster->second->config.health_check) check_health();
  }
  if (others || (good && !one.answered))
    log::info(log::Component::kUpstream, "{}: EC2 has {} instances for it", found.cluster,
              found.endpoints.size());
  const bool changed = !std::exchange(one.answered, true) || !(said == one.said);
  one.said = std::move(said);
  if (changed && settled_) tell_applied();
}

}  // namespace tidegate::proxy::server
