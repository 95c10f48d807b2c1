#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/filters/chain.h"
#include "proxy/format/body.h"
#include "proxy/router/router.h"
#include "proxy/runtime/loop.h"
#include "proxy/runtime/stats.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::exchange {

/// One of the backends of a rule, found and made ready.
struct PlannedCluster {
  const WeightedCluster* source = nullptr;
  std::uint32_t cluster = 0;                // upstream::Clusters::by_id(); 0: does not resolve
  std::uint32_t weight = 1;                 //
  const filters::Chain* filters = nullptr;  // of this backend alone; null: none
};

/// What an exchange needs of its rule, in one cache line: with ten thousand routes each request
/// touches another one, and a rule as it stands in the snapshot is spread over a dozen lines.
struct alignas(64) Plan {
  enum class Action : std::uint8_t { kForward, kRedirect, kDirectResponse };

  const Rule* rule = nullptr;
  const filters::Chain* filters = nullptr;  // null: none
  union {
    const PlannedCluster* clusters = nullptr;  // kForward: where there is more than one
    const format::Body* body;                  // kDirectResponse: null: the body is as written
  };
  PlannedCluster cluster;          // where there is one
  std::uint32_t total_weight = 0;  // 0: no backend
  Action action = Action::kForward;
  bool has_mirrors = false;
  bool has_timeouts = false;  // or retries: the rule says which
  bool has_session = false;
  bool rewrites_host = false;  // Rule::auto_host_rewrite
  bool has_redirects = false;  // Rule::internal_redirect
  bool counted = false;        // Rule::stat_prefix

  /// By weight; null where there is none.
  const PlannedCluster* pick(Random& random) const {
    if (total_weight == 0) return nullptr;
    if (!clusters) return &cluster;
    std::uint64_t at = random.below(total_weight);
    const PlannedCluster* one = clusters;
    while (at >= one->weight) at -= (one++)->weight;
    return one;
  }
};
static_assert(sizeof(Plan) == 64);

/// The plans of one route table, by the index of the rule. Compiled on the control thread;
/// immutable, shared by all workers. The table outlives it.
class Plans {
 public:
  /// `id_of` gives a cluster's number by its name; 0 where there is none.
  using IdOf = std::function<std::uint32_t(const std::string&)>;
  /// What requests of a virtual host are counted in, under a rule's stat prefix; null: nothing.
  using CountersOf =
      std::function<PerWorker<RouteStats>*(const VirtualHost& host, const std::string& prefix)>;
  Plans(const RouteTable& table, filters::Compiler& compiler, const IdOf& id_of,
        const CountersOf& counters_of);

  const Plan& operator[](std::uint32_t rule) const { return plans_[rule]; }
  const RouteTable& table() const { return *table_; }
  PerWorker<RouteStats>* counters(const router::Router::Found& found) const {
    const auto known = counters_.find({found.host, found.rule});
    return known == counters_.end() ? nullptr : known->second;
  }

 private:
  const filters::Chain* chain(filters::Compiler& compiler,
                              const std::vector<proxy::Filter>& filters);
  const format::Body* body(const DirectResponse& direct);

  const RouteTable* table_;
  std::vector<Plan> plans_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, PerWorker<RouteStats>*>
      counters_;  // by host and rule
  std::vector<std::unique_ptr<PlannedCluster[]>> clusters_;
  std::vector<filters::ChainPtr> chains_;
  std::vector<std::unique_ptr<const format::Body>> bodies_;
};

}  // namespace tidegate::proxy::exchange
