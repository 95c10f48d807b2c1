#pragma once

#include <optional>
#include <vector>

#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::upstream {

/// One host of a cluster, for the choice among them.
struct Member {
  Candidate candidate;
  std::uint32_t priority = 0;  // 0 is the first to get traffic
  std::string_view zone;       // lives longer
  bool healthy = true;
};

/// Which of a cluster's hosts a request goes to: a priority by how much of each is healthy, a zone
/// where zones count, then the balancer. Made anew when hosts or their health change.
/// Source: Envoy's priority levels (overprovisioning factor 1.4), panic threshold, zone aware and
/// locality weighted load balancing.
class HostSet {
 public:
  /// `start`: see make_balancer().
  HostSet(const LoadBalancing& config, std::vector<Member> members, std::uint64_t start);

  /// What a pick came of, for the counters.
  enum class Way { kPlain, kPanic, kOwnZone, kOtherZone };
  struct Picked {
    std::size_t index;  // into the members
    Way way = Way::kPlain;
  };
  /// Nothing where no host may be used.
  std::optional<Picked> pick(const Pick& pick);

  /// The percentage of the traffic that each priority gets.
  const std::vector<std::uint32_t>& loads() const { return loads_; }

 private:
  /// Hosts among which one balancer chooses.
  struct Group {
    std::vector<std::size_t> members;
    std::unique_ptr<Balancer> balancer;
    double weight = 0;
    bool own = false;
  };
  struct Level {
    std::vector<std::size_t> members;
    std::size_t healthy = 0;
    bool panic = false;
    Group all;
    std::vector<Group> zones;  // empty: zones do not count
    double zones_weight = 0;
  };

  void divide(const LoadBalancing& config);
  void build(const LoadBalancing& config, Level& level, std::uint64_t start);
  void build_zones(const LoadBalancing& config, Level& level, std::uint64_t start);
  Group group_of(const LoadBalancing& config, std::vector<std::size_t> members,
                 std::uint64_t start) const;

  std::vector<Member> members_;
  std::vector<Level> levels_;
  std::vector<std::uint32_t> loads_;
  std::uint32_t zone_percent_ = 100;
};

}  // namespace tidegate::proxy::upstream
