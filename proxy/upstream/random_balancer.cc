#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::upstream {
namespace {

class RandomBalancer final : public Balancer {
 public:
  explicit RandomBalancer(std::size_t count) : count_(count) {}
  std::size_t pick(const Pick& pick) override { return pick.random.below(count_); }

 private:
  std::size_t count_;
};

}  // namespace

std::unique_ptr<Balancer> make_random(const std::vector<Candidate>& candidates) {
  return std::make_unique<RandomBalancer>(candidates.size());
}

}  // namespace tidegate::proxy::upstream
