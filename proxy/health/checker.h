#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::health {

/// What one check found.
enum class Outcome {
  kGood,
  kBad,     // an answer, but a wrong one: the endpoint says that it is not well
  kSilent,  // no answer, or none in time
};

/// What checks make of an endpoint. The first one decides alone, later ones need as many in a row
/// as the thresholds say; kBad needs one. Source: HealthCheck of kgateway and Envoy.
class Verdict {
 public:
  /// True: healthy() has changed, or is known now.
  bool note(Outcome outcome, const HealthCheck& config);
  bool healthy() const { return healthy_; }

 private:
  bool known_ = false;
  bool healthy_ = false;
  std::uint32_t good_ = 0;  // in a row
  std::uint32_t bad_ = 0;
};

/// Asks the endpoints of clusters that have a health check how they are, over connections of its
/// own. On a thread of its own: an endpoint that makes us wait, or a thousand that answer, hold up
/// neither traffic nor the admin port.
class Checker {
 public:
  struct Result {
    std::string cluster;
    boost::asio::ip::tcp::endpoint at;
    Outcome outcome = Outcome::kSilent;
    bool healthy = false;
    bool changed = false;  // or known for the first time
  };
  /// Called on the checker's thread, after each check.
  using OnResult = std::function<void(const Result&)>;

  explicit Checker(OnResult on_result);
  /// Ends what is under way.
  ~Checker();

  /// What is checked from now on: the clusters with a health check, and their addresses. From any
  /// thread.
  void update(std::map<std::string, upstream::CompiledClusterPtr> clusters,
              std::map<std::string, std::vector<upstream::Address>> addresses);

 private:
  struct Probe {
    std::string cluster;
    boost::asio::ip::tcp::endpoint at;
    bool stopped = false;
    Verdict verdict;
    Event wake;
    upstream::Lease* lease = nullptr;  // of the check that is under way
  };
  using Key = std::pair<std::string, boost::asio::ip::tcp::endpoint>;

  void apply(std::map<std::string, upstream::CompiledClusterPtr> clusters,
             const std::map<std::string, std::vector<upstream::Address>>& addresses);
  void stop(Probe& probe);
  Task<void> run(std::shared_ptr<Probe> probe);
  Task<Outcome> check(Probe& probe, upstream::ClusterState& cluster);

  OnResult on_result_;
  PerWorker<ClusterStats> stats_;  // of our own connections; nobody reads it
  Loop loop_;
  upstream::Clusters clusters_;
  std::map<Key, std::shared_ptr<Probe>> probes_;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tidegate::proxy::health
