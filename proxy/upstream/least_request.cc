#include <algorithm>

#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::upstream {
namespace {

std::uint32_t active(const Candidate& one) { return one.active != nullptr ? *one.active : 0; }

class LeastRequest final : public Balancer {
 public:
  LeastRequest(const LoadBalancing& config, std::vector<Candidate> candidates)
      : choices_(std::max(config.choices, 1U)),
        slow_(config.slow_start),
        candidates_(std::move(candidates)),
        credit_(candidates_.size()) {
    const Candidate& first = candidates_[0];
    equal_ = std::all_of(candidates_.begin(), candidates_.end(),
                         [&first](const Candidate& one) { return one.weight == first.weight; });
    for (const Candidate& one : candidates_) newest_ = std::max(newest_, one.since);
  }

  std::size_t pick(const Pick& pick) override {
    const bool slow = slow_ && pick.now - newest_ < slow_->window;
    return equal_ && !slow ? fewest(pick.random) : weighted(pick, slow);
  }

 private:
  std::size_t fewest(Random& random) {
    std::size_t best = random.below(candidates_.size());
    for (std::uint32_t i = 1; i < choices_; ++i) {
      const std::size_t other = random.below(candidates_.size());
      if (active(candidates_[other]) < active(candidates_[best])) best = other;
    }
    return best;
  }

  std::size_t weighted(const Pick& pick, bool slow) {
    double total = 0;
    std::size_t best = 0;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      double weight = candidates_[i].weight / (active(candidates_[i]) + 1.0);
      if (slow) weight *= share_of(*slow_, pick.now - candidates_[i].since);
      credit_[i] += weight;
      total += weight;
      if (credit_[i] > credit_[best]) best = i;
    }
    credit_[best] -= total;
    return best;
  }

  std::uint32_t choices_;
  std::optional<SlowStart> slow_;
  std::vector<Candidate> candidates_;
  std::vector<double> credit_;
  TimerWheel::Clock::time_point newest_;
  bool equal_ = true;
};

}  // namespace

std::unique_ptr<Balancer> make_least_request(const LoadBalancing& config,
                                             std::vector<Candidate> candidates) {
  return std::make_unique<LeastRequest>(config, std::move(candidates));
}

}  // namespace tidegate::proxy::upstream
