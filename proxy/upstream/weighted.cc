#include "proxy/upstream/weighted.h"

namespace tidegate::proxy::upstream {

const WeightedCluster* pick(std::span<const WeightedCluster> clusters, Random& random) {
  if (clusters.size() == 1) return &clusters[0];
  std::uint64_t total = 0;
  for (const WeightedCluster& one : clusters) total += one.weight;
  if (total == 0) return nullptr;
  std::uint64_t at = random.below(total);
  for (const WeightedCluster& one : clusters) {
    if (at < one.weight) return &one;
    at -= one.weight;
  }
  return nullptr;
}

}  // namespace tidegate::proxy::upstream
