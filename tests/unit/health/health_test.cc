#include <catch2/catch.hpp>

#include "proxy/health/checker.h"
#include "proxy/health/outliers.h"

using namespace tidegate::proxy;
using namespace tidegate::proxy::health;
using std::chrono::seconds;

namespace {

Outliers::Endpoint host(std::uint16_t port) {
  return {boost::asio::ip::make_address("127.0.0.1"), port};
}

}  // namespace

TEST_CASE("the first check decides alone, later ones by threshold", "[health]") {
  HealthCheck config;
  config.healthy_threshold = 2;
  config.unhealthy_threshold = 3;
  Verdict verdict;
  CHECK(verdict.note(Outcome::kGood, config));
  CHECK(verdict.healthy());
  CHECK(!verdict.note(Outcome::kSilent, config));
  CHECK(!verdict.note(Outcome::kSilent, config));
  CHECK(verdict.healthy());
  CHECK(verdict.note(Outcome::kSilent, config));
  CHECK(!verdict.healthy());
  CHECK(!verdict.note(Outcome::kGood, config));
  CHECK(!verdict.healthy());
  CHECK(verdict.note(Outcome::kGood, config));
  CHECK(verdict.healthy());
  CHECK(verdict.note(Outcome::kBad, config));  // it says itself that it is not well
  CHECK(!verdict.healthy());
  Verdict other;
  CHECK(other.note(Outcome::kSilent, config));
  CHECK(!other.healthy());
}

TEST_CASE("an endpoint that fails again and again is ejected for a while", "[health]") {
  HealthStats stats;
  std::vector<Outliers::Endpoint> tripped;
  Outliers outliers(stats, [&](const Outliers::Endpoint& at) { tripped.push_back(at); });
  OutlierDetection config;
  config.consecutive_5xx = 3;
  config.base_ejection = seconds(30);
  config.ejected_percent_max = 50;
  outliers.update(config, {host(1), host(2)});
  upstream::Host one;
  one.address.watch = outliers.watch(host(1));
  for (const int status : {500, 503, 200, 0, 504}) one.note(status);
  CHECK(tripped.empty());
  one.note(500);
  CHECK(tripped == std::vector<Outliers::Endpoint>{host(1)});

  Outliers::Clock::time_point now{seconds(1000)};
  CHECK(outliers.tripped(host(1), now));
  CHECK(outliers.ejected(host(1)));
  CHECK(!outliers.tripped(host(2), now));  // 50 % at most
  CHECK(!outliers.ejected(host(2)));
  CHECK(stats.outlier_detection_ejections_overflow.get() == 1);
  CHECK(stats.outlier_detection_ejections_active.get() == 1);
  CHECK(!outliers.sweep(now + seconds(29)));
  CHECK(outliers.sweep(now + seconds(30)));
  CHECK(!outliers.ejected(host(1)));
  CHECK(stats.outlier_detection_ejections_active.get() == 0);
  // The second time it takes twice as long.
  now += seconds(31);
  CHECK(outliers.tripped(host(1), now));
  CHECK(!outliers.sweep(now + seconds(59)));
  CHECK(outliers.sweep(now + seconds(60)));
  // What has gone is forgotten.
  CHECK(outliers.tripped(host(2), now));
  outliers.update(config, {host(1)});
  CHECK(!outliers.ejected(host(2)));
  CHECK(stats.outlier_detection_ejections_active.get() == 0);
}
