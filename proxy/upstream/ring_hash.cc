#include <algorithm>
#include <cmath>

#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::upstream {
namespace {

/// Each candidate has points on the ring, in proportion to its weight; a hash belongs to the next
/// point at or after it.
class RingHash final : public Balancer {
 public:
  RingHash(const LoadBalancing& config, const std::vector<Candidate>& candidates) {
    double total = 0;
    double least = candidates[0].weight;
    for (const Candidate& one : candidates) {
      total += one.weight;
      least = std::min<double>(least, one.weight);
    }
    // So many points for a weight of `total` that the lightest has a whole number of them.
    const double share = least / total;
    const auto smallest = static_cast<double>(std::min(config.ring_min, config.ring_max));
    const double points =
        std::min(std::ceil(share * smallest) / share, static_cast<double>(config.ring_max));
    points_.reserve(static_cast<std::size_t>(points) + candidates.size());
    double wanted = 0;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      wanted += points * candidates[i].weight / total;
      for (std::uint64_t number = 0; static_cast<double>(points_.size()) < wanted - 1e-6; ++number)
        points_.push_back({hash_of(candidates[i].key, number + 1), static_cast<std::uint32_t>(i)});
    }
    if (points_.empty()) points_.push_back({0, 0});  // ring_max 0
    std::sort(points_.begin(), points_.end(),
              [](const Point& a, const Point& b) { return a.at < b.at; });
  }

  std::size_t pick(const Pick& pick) override {
    const std::uint64_t hash = pick.hash ? *pick.hash : pick.random.next();
    auto found =
        std::lower_bound(points_.begin(), points_.end(), hash,
                         [](const Point& point, std::uint64_t at) { return point.at < at; });
    return found == points_.end() ? points_.front().candidate : found->candidate;
  }

 private:
  struct Point {
    std::uint64_t at;
    std::uint32_t candidate;
  };
  std::vector<Point> points_;
};

}  // namespace

std::unique_ptr<Balancer> make_ring_hash(const LoadBalancing& config,
                                         const std::vector<Candidate>& candidates) {
  return std::make_unique<RingHash>(config, candidates);
}

}  // namespace tidegate::proxy::upstream
