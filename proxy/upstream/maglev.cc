#include <algorithm>
#include <limits>

#include "proxy/upstream/balancer.h"

namespace tidegate::proxy::upstream {
namespace {

constexpr std::uint32_t kTable = 65537;  // a prime, Envoy's default

class Maglev final : public Balancer {
 public:
  explicit Maglev(const std::vector<Candidate>& candidates) {
    constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
    table_.assign(kTable, kNobody);
    struct Builder {
      std::uint64_t at, skip;
      double weight, target = 0;
    };
    std::vector<Builder> builders;
    double heaviest = 0;
    for (const Candidate& one : candidates) heaviest = std::max<double>(heaviest, one.weight);
    for (const Candidate& one : candidates) {
      builders.push_back({hash_of(one.key) % kTable, hash_of(one.key, 1) % (kTable - 1) + 1,
                          one.weight / heaviest});
    }
    // Each in turn takes the next free place of its own order; a light one is passed over until its
    // turns come to a whole one.
    for (std::uint32_t filled = 0; filled < kTable;) {
      for (std::size_t i = 0; i < builders.size() && filled < kTable; ++i) {
        Builder& one = builders[i];
        one.target += one.weight;
        if (one.target < 1) continue;
        one.target -= 1;
        while (table_[one.at] != kNobody) one.at = (one.at + one.skip) % kTable;
        table_[one.at] = static_cast<std::uint32_t>(i);
        ++filled;
      }
    }
  }

  std::size_t pick(const Pick& pick) override {
    return table_[(pick.hash ? *pick.hash : pick.random.next()) % kTable];
  }

 private:
  std::vector<std::uint32_t> table_;
};

}  // namespace

std::unique_ptr<Balancer> make_maglev(const std::vector<Candidate>& candidates) {
  return std::make_unique<Maglev>(candidates);
}

}  // namespace tidegate::proxy::upstream
