#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/load_balancing.h"
#include "proxy/upstream/cluster.h"

namespace tidegate::proxy::health {

/// Which endpoints of one cluster get no traffic because they failed again and again. Workers count
/// (upstream::OutlierWatch), this decides. Control thread. Source: Envoy's outlier detection,
/// consecutive 5xx and consecutive failures of local origin.
class Outliers {
 public:
  using Clock = std::chrono::steady_clock;
  using Endpoint = boost::asio::ip::tcp::endpoint;
  /// Called on a worker: an endpoint has met the limit, of failures before an answer or of answers.
  using OnTripped = std::function<void(const Endpoint&, bool local)>;

  /// `stats` lives longer.
  Outliers(HealthStats& stats, OnTripped on_tripped, std::uint64_t seed = 1)
      : stats_(stats), on_tripped_(std::move(on_tripped)), random_(seed) {}

  /// Endpoints that have gone are forgotten, others keep their state.
  void update(const OutlierDetection& config, const std::vector<Endpoint>& endpoints);
  const OutlierDetection& config() const { return config_; }

  const std::shared_ptr<upstream::OutlierWatch>& watch(const Endpoint& at) {
    return hosts_.at(at).watch;
  }
  bool ejected(const Endpoint& at) const;

  /// An endpoint has met a limit. True: it is ejected now.
  bool tripped(const Endpoint& at, Clock::time_point now, bool local = false);
  /// Once an interval. True: one is let back.
  bool sweep(Clock::time_point now);

 private:
  struct Host {
    std::shared_ptr<upstream::OutlierWatch> watch;
    bool ejected = false;
    std::uint32_t times = 0;  // how often; falls again while it is well
    Clock::time_point since;
  };
  void count();

  HealthStats& stats_;
  OnTripped on_tripped_;
  Random random_;
  OutlierDetection config_;
  std::map<Endpoint, Host> hosts_;
};

}  // namespace tidegate::proxy::health
