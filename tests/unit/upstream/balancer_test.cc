#include "proxy/upstream/balancer.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <string>

#include "proxy/upstream/host_set.h"

using namespace tidegate::proxy;
using namespace tidegate::proxy::upstream;
using Kind = LoadBalancing::Kind;
using std::chrono::seconds;

namespace {

/// Hosts "10.0.0.0:80", "10.0.0.1:80" ...
struct Hosts {
  explicit Hosts(std::vector<std::uint32_t> weights_in) : weights(std::move(weights_in)) {
    for (std::size_t i = 0; i < weights.size(); ++i)
      keys.push_back("10.0.0." + std::to_string(i) + ":80");
    active.resize(weights.size());
  }
  std::vector<Candidate> candidates() const {
    std::vector<Candidate> out;
    for (std::size_t i = 0; i < weights.size(); ++i)
      out.push_back({weights[i], keys[i], &active[i], {}});
    return out;
  }
  std::vector<std::uint32_t> weights;
  std::vector<std::string> keys;
  std::vector<std::uint32_t> active;
};

std::vector<std::uint32_t> equal(std::size_t count) { return std::vector<std::uint32_t>(count, 1); }

LoadBalancing of(Kind kind) {
  LoadBalancing out;
  out.kind = kind;
  return out;
}

/// How often each is picked in `rounds`, by hashes 0, 1, ... where `hashed`.
std::vector<double> shares(Balancer& balancer, std::size_t count, int rounds, bool hashed) {
  Random random(1);
  std::vector<double> out(count);
  for (int i = 0; i < rounds; ++i) {
    Pick pick{random, std::nullopt, {}};
    if (hashed) pick.hash = hash_of(std::to_string(i));
    out[balancer.pick(pick)] += 1.0 / rounds;
  }
  return out;
}

}  // namespace

TEST_CASE("each balancer divides by weight", "[upstream]") {
  const Kind kind =
      GENERATE(Kind::kRoundRobin, Kind::kLeastRequest, Kind::kRingHash, Kind::kMaglev);
  const Hosts hosts({1, 2, 5});
  LoadBalancing config = of(kind);
  config.ring_min = 100'000;
  auto balancer = make_balancer(config, hosts.candidates(), 0);
  const std::vector<double> got = shares(*balancer, 3, 80'000, config.hashes());
  for (std::size_t i = 0; i < 3; ++i) CHECK(got[i] == Approx(hosts.weights[i] / 8.0).margin(0.02));
}

TEST_CASE("equal weights have equal shares", "[upstream]") {
  const Kind kind = GENERATE(Kind::kRoundRobin, Kind::kLeastRequest, Kind::kRingHash, Kind::kMaglev,
                             Kind::kRandom);
  const Hosts hosts(equal(5));
  LoadBalancing config = of(kind);
  config.ring_min = 100'000;
  auto balancer = make_balancer(config, hosts.candidates(), 0);
  for (const double share : shares(*balancer, 5, 100'000, config.hashes()))
    CHECK(share == Approx(0.2).margin(0.02));
}

TEST_CASE("a hash goes to the same host always, and few move when one goes", "[upstream]") {
  const Kind kind = GENERATE(Kind::kRingHash, Kind::kMaglev);
  const Hosts hosts(equal(10));
  auto before = make_balancer(of(kind), hosts.candidates(), 0);
  auto again = make_balancer(of(kind), hosts.candidates(), 7);
  std::vector<Candidate> fewer = hosts.candidates();
  fewer.erase(fewer.begin() + 3);
  auto after = make_balancer(of(kind), fewer, 0);
  Random random(1);
  int moved = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Pick pick{random, hash_of(std::to_string(i)), {}};
    const std::size_t first = before->pick(pick);
    CHECK(again->pick(pick) == first);
    if (first == 3) continue;
    const std::size_t now = after->pick(pick);
    if ((now < 3 ? now : now + 1) != first) ++moved;
  }
  // Fewer hosts have more points each on a ring of about the same size.
  CHECK(moved < (kind == Kind::kRingHash ? 1000 : 400));
}

TEST_CASE("round robin goes on where it is, and is smooth", "[upstream]") {
  const Hosts hosts({2, 1});
  auto balancer = make_balancer(of(Kind::kRoundRobin), hosts.candidates(), 0);
  Random random(1);
  std::string order;
  for (int i = 0; i < 6; ++i)
    order += static_cast<char>('a' + balancer->pick({random, std::nullopt, {}}));
  CHECK(order == "abaaba");
}

TEST_CASE("least request avoids the busy", "[upstream]") {
  Hosts hosts(equal(3));
  hosts.active = {10, 0, 10};
  LoadBalancing config = of(Kind::kLeastRequest);
  config.choices = 8;
  auto balancer = make_balancer(config, hosts.candidates(), 0);
  CHECK(shares(*balancer, 3, 1000, false)[1] > 0.9);
  hosts.weights = {1, 1, 2};
  auto weighted = make_balancer(config, hosts.candidates(), 0);
  CHECK(shares(*weighted, 3, 1000, false)[1] == Approx(11.0 / 14).margin(0.02));
}

TEST_CASE("a new host starts slowly", "[upstream]") {
  const SlowStart slow{std::chrono::seconds(100), 1.0, 10};
  CHECK(share_of(slow, seconds(0)) == Approx(0.1));
  CHECK(share_of(slow, seconds(50)) == Approx(0.5));
  CHECK(share_of(slow, seconds(100)) == 1);
  CHECK(share_of({seconds(100), 2.0, 10}, seconds(25)) == Approx(0.5));
  const Kind kind = GENERATE(Kind::kRoundRobin, Kind::kLeastRequest);
  const Hosts hosts(equal(2));
  std::vector<Candidate> candidates = hosts.candidates();
  LoadBalancing config = of(kind);
  config.slow_start = slow;
  config.choices = 2;
  TimerWheel::Clock::time_point start{seconds(1000)};
  candidates[1].since = start;
  auto balancer = make_balancer(config, candidates, 0);
  Random random(1);
  auto part = [&](seconds after) {
    double second = 0;
    for (int i = 0; i < 3000; ++i)
      second += static_cast<double>(balancer->pick({random, std::nullopt, start + after}));
    return second / 3000;
  };
  CHECK(part(seconds(0)) == Approx(0.1 / 1.1).margin(0.01));
  CHECK(part(seconds(50)) == Approx(0.5 / 1.5).margin(0.01));
  CHECK(part(seconds(100)) == Approx(0.5).margin(0.05));
}

namespace {

/// Hosts of one priority, the first `healthy` of which are.
void add(std::vector<Member>& out, std::uint32_t priority, std::size_t count, std::size_t healthy,
         std::string_view zone = "") {
  for (std::size_t i = 0; i < count; ++i) {
    Member one;
    one.candidate.key = zone;
    one.priority = priority;
    one.zone = zone;
    one.healthy = i < healthy;
    out.push_back(one);
  }
}

/// How often each member is picked.
std::vector<double> shares(HostSet& set, std::size_t count) {
  Random random(1);
  std::vector<double> out(count);
  for (int i = 0; i < 20'000; ++i) {
    const auto picked = set.pick({random, std::nullopt, {}});
    if (picked) out[picked->index] += 1.0 / 20'000;
  }
  return out;
}

}  // namespace

TEST_CASE("the next priority takes what the first is not good for", "[upstream]") {
  struct Case {
    std::size_t healthy_first, healthy_second;
    std::vector<std::uint32_t> loads;
  };
  // Source: the table in Envoy's documentation of priority levels (factor 1.4).
  const Case one = GENERATE(Case{100, 100, {100, 0}}, Case{72, 72, {100, 0}}, Case{71, 71, {99, 1}},
                            Case{50, 50, {70, 30}}, Case{25, 100, {35, 65}}, Case{25, 25, {50, 50}},
                            Case{0, 100, {0, 100}});
  std::vector<Member> members;
  add(members, 0, 100, one.healthy_first);
  add(members, 1, 100, one.healthy_second);
  CHECK(HostSet(LoadBalancing(), members, 0).loads() == one.loads);
}

TEST_CASE("below the panic threshold health does not count", "[upstream]") {
  std::vector<Member> members;
  add(members, 0, 4, 1);
  LoadBalancing config;
  HostSet panic(config, members, 0);
  for (const double share : shares(panic, 4)) CHECK(share == Approx(0.25).margin(0.01));
  config.panic_percent = 0;
  HostSet calm(config, members, 0);
  CHECK(shares(calm, 4)[0] == Approx(1));
  members[0].healthy = false;
  HostSet none(config, members, 0);
  Random random(1);
  CHECK(!none.pick({random, std::nullopt, {}}));
  CHECK(!HostSet(config, {}, 0).pick({random, std::nullopt, {}}));
}

TEST_CASE("our own zone is preferred as far as it is good for it", "[upstream]") {
  LoadBalancing config;
  config.zone_aware = ZoneAware{"a", 3, 100, std::nullopt};
  SECTION("with its part of the endpoints it takes all") {
    std::vector<Member> members;
    add(members, 0, 2, 2, "a");
    add(members, 0, 2, 2, "b");
    HostSet set(config, members, 0);
    const auto got = shares(set, 4);
    CHECK(got[0] + got[1] == Approx(1));
  }
  SECTION("with fewer, the rest goes where there is more") {
    std::vector<Member> members;
    add(members, 0, 1, 1, "a");
    add(members, 0, 3, 3, "b");
    HostSet set(config, members, 0);
    CHECK(shares(set, 4)[0] == Approx(0.5).margin(0.02));  // 25 % of what is 50 % of all traffic
    config.zone_aware->forced_min = 1;
    HostSet forced(config, members, 0);
    CHECK(shares(forced, 4)[0] == Approx(1));
    config.zone_aware->endpoints_min = 5;
    HostSet small(config, members, 0);
    CHECK(shares(small, 4)[0] == Approx(0.25).margin(0.02));
  }
}

TEST_CASE("a zone with sick hosts gets less", "[upstream]") {
  LoadBalancing config;
  config.locality_weighted = true;
  std::vector<Member> members;
  add(members, 0, 4, 4, "a");
  add(members, 0, 4, 2, "b");
  HostSet set(config, members, 0);
  const auto got = shares(set, 8);
  CHECK(got[0] + got[1] + got[2] + got[3] == Approx(1 / 1.7).margin(0.02));
}
