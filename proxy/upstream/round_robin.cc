#include <algorithm>

#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::upstream {
namespace {

/// Smooth weighted round robin: each gains its weight, the richest is picked and pays for all.
class RoundRobin final : public Balancer {
 public:
  RoundRobin(const LoadBalancing& config, std::vector<Candidate> candidates, std::uint64_t start)
      : slow_(config.slow_start), candidates_(std::move(candidates)), next_(start) {
    const Candidate& first = candidates_[0];
    equal_ = std::all_of(candidates_.begin(), candidates_.end(),
                         [&first](const Candidate& one) { return one.weight == first.weight; });
    for (const Candidate& one : candidates_) newest_ = std::max(newest_, one.since);
    credit_.resize(candidates_.size());
  }

  std::size_t pick(const Pick& pick) override {
    const bool slow = slow_ && pick.now - newest_ < slow_->window;
    if (equal_ && !slow) return next_++ % candidates_.size();
    double total = 0;
    std::size_t best = 0;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      double weight = candidates_[i].weight;
      if (slow) weight *= share_of(*slow_, pick.now - candidates_[i].since);
      credit_[i] += weight;
      total += weight;
      if (credit_[i] > credit_[best]) best = i;
    }
    credit_[best] -= total;
    return best;
  }

 private:
  std::optional<SlowStart> slow_;
  std::vector<Candidate> candidates_;
  std::vector<double> credit_;
  TimerWheel::Clock::time_point newest_;
  bool equal_ = true;
  std::uint64_t next_;
};

}  // namespace

std::unique_ptr<Balancer> make_round_robin(const LoadBalancing& config,
                                           std::vector<Candidate> candidates, std::uint64_t start) {
  return std::make_unique<RoundRobin>(config, std::move(candidates), start);
}

}  // namespace tidegate::proxy::upstream
