#include "proxy/upstream/balancer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tidegate::proxy::upstream {

std::uint64_t hash_of(std::string_view text, std::uint64_t seed) {
  // FNV-1a, then splitmix64's last step: FNV alone is poor in its high bits.
  std::uint64_t out = 0xcbf29ce484222325 ^ (seed * 0x9e3779b97f4a7c15);
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  out = (out ^ (out >> 30)) * 0xbf58476d1ce4e5b9;
  out = (out ^ (out >> 27)) * 0x94d049bb133111eb;
  return out ^ (out >> 31);
}

double share_of(const SlowStart& slow, TimerWheel::Clock::duration age) {
  if (age >= slow.window) return 1;
  const double part =
      std::chrono::duration<double>(std::max(age, TimerWheel::Clock::duration(0))).count() /
      std::chrono::duration<double>(slow.window).count();
  const double least = std::max(slow.min_weight_percent / 100.0, 0.001);
  return std::max(least, std::pow(part, 1 / slow.aggression));
}

std::unique_ptr<Balancer> make_balancer(const LoadBalancing& config,
                                        std::vector<Candidate> candidates, std::uint64_t start) {
  switch (config.kind) {
    case LoadBalancing::Kind::kLeastRequest:
      return make_least_request(config, std::move(candidates));
    case LoadBalancing::Kind::kRingHash:
      return make_ring_hash(config, candidates);
    case LoadBalancing::Kind::kMaglev:
      return make_maglev(candidates);
    case LoadBalancing::Kind::kRandom:
      return make_random(candidates);
    case LoadBalancing::Kind::kRoundRobin:
      break;
  }
  return make_round_robin(config, std::move(candidates), start);
}

}  // namespace tidegate::proxy::upstream
