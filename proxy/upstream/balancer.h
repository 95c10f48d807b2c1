#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "proxy/runtime/loop.h"
#include "proxy/snapshot/load_balancing.h"

namespace tidegate::proxy::upstream {

/// An endpoint as a balancer sees it. What the views and pointers name lives longer.
struct Candidate {
  std::uint32_t weight = 1;               // > 0
  std::string_view key;                   // what stands for it on a ring or in a table
  const std::uint32_t* active = nullptr;  // requests that it has; null: it is not known
  TimerWheel::Clock::time_point since;    // when it became an endpoint (slow start)
};

/// What a pick depends on.
struct Pick {
  Random& random;
  std::optional<std::uint64_t> hash;  // of what the hash policies name; absent: any endpoint
  TimerWheel::Clock::time_point now;  // read by slow start alone
};

/// Picks one of the candidates that it was made of. One worker.
class Balancer {
 public:
  virtual ~Balancer() = default;
  /// An index into the candidates.
  virtual std::size_t pick(const Pick& pick) = 0;
};

/// `candidates` is not empty. `start`: any number, so that not all workers begin with the same one.
std::unique_ptr<Balancer> make_balancer(const LoadBalancing& config,
                                        std::vector<Candidate> candidates, std::uint64_t start);

/// In turn, by weight: smooth, so that one with weight 2 of 3 is never picked three times in a row.
std::unique_ptr<Balancer> make_round_robin(const LoadBalancing& config,
                                           std::vector<Candidate> candidates, std::uint64_t start);
/// Equal weights: the one with the fewest requests of some that chance picks. Else in turn, by
/// weight / (requests + 1).
std::unique_ptr<Balancer> make_least_request(const LoadBalancing& config,
                                             std::vector<Candidate> candidates);
/// Consistent hashing on a ring: one candidate more or less moves about 1/n of the hashes.
/// Source: Karger et al. 1997; Envoy's ring sizes.
std::unique_ptr<Balancer> make_ring_hash(const LoadBalancing& config,
                                         const std::vector<Candidate>& candidates);
/// Consistent hashing by a table of 65537 entries. Source: Eisenbud et al., "Maglev" (NSDI 2016),
/// section 3.4, with weights.
std::unique_ptr<Balancer> make_maglev(const std::vector<Candidate>& candidates);
/// Any of them; weights do not count, as in Envoy.
std::unique_ptr<Balancer> make_random(const std::vector<Candidate>& candidates);

/// A hash that is the same in every process, for rings, tables and keys.
std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0);

/// The part of its weight that a candidate has, 0 < ... <= 1. Source: Envoy's slow start.
double share_of(const SlowStart& slow, TimerWheel::Clock::duration age);

}  // namespace tidegate::proxy::upstream
