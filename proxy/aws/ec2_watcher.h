#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proxy/aws/identity.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/snapshot/applied.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::aws {

/// Asks EC2 for the endpoints of clusters, again and again. On a thread of its own: a long answer
/// holds up neither traffic nor the admin port.
class Ec2Watcher {
 public:
  /// What one question gave. `endpoints` are sorted, and none where it failed.
  struct Found {
    std::string cluster;
    Ec2Discovery what;
    AppliedDiscovery::Outcome outcome = AppliedDiscovery::Outcome::kFailed;
    std::string problem;  // empty: none
    std::vector<Endpoint> endpoints;
  };
  /// Called on the watcher's thread, after each question.
  using OnFound = std::function<void(const Found&)>;

  struct Wanted {
    Ec2Discovery what;
    std::shared_ptr<Identity> identity;
  };

  explicit Ec2Watcher(OnFound on_found);
  /// Ends what is under way.
  ~Ec2Watcher();

  /// What is asked for from now on, by cluster, and the clusters that are asked, with their
  /// addresses. What is new or other than before is asked for at once. From any thread.
  void update(std::map<std::string, Wanted> wanted,
              std::map<std::string, upstream::CompiledClusterPtr> apis,
              std::map<std::string, std::vector<upstream::Address>> addresses);

 private:
  struct Watch {
    std::string cluster;
    Wanted wanted;
    bool stopped = false;
    bool failed = false;
    Event wake;
    std::string told;  // the problem that is in the log
    std::chrono::steady_clock::time_point told_at;
  };

  void apply(std::map<std::string, Wanted> wanted,
             std::map<std::string, upstream::CompiledClusterPtr> apis,
             const std::map<std::string, std::vector<upstream::Address>>& addresses);
  void stop(Watch& watch);
  Task<void> run(std::shared_ptr<Watch> watch);
  Task<void> ask_for(const Wanted& wanted, Found& found);
  static void tell(Watch& watch, const Found& found);

  OnFound on_found_;
  PerWorker<ClusterStats> stats_;  // of our own connections; nobody reads it
  Loop loop_;
  upstream::Clusters clusters_;
  std::map<std::string, std::shared_ptr<Watch>> watches_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tidegate::proxy::aws
