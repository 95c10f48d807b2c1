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
  Outliers outliers(stats, [&](const Outliers::Endpoint& at, bool) { tripped.push_back(at); });
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

TEST_CASE("failures before an answer are counted by themselves where a policy splits them",
          "[health]") {
  HealthStats stats;
  std::vector<bool> tripped;  // by failures before an answer
  Outliers outliers(stats,
                    [&](const Outliers::Endpoint&, bool local) { tripped.push_back(local); });
  OutlierDetection config;
  config.consecutive_5xx = 3;
  config.consecutive_local = 2;
  config.ejected_percent_max = 100;
  outliers.update(config, {host(1)});
  upstream::Host one;
  one.address.watch = outliers.watch(host(1));
  for (const int status : {500, 500, 0, 500}) one.note(status);  // neither resets the others' count
  CHECK(tripped == std::vector<bool>{false});
  tripped.clear();
  for (const int status : {0, 500, 0, 0}) one.note(status);  // an answer says that it is there
  CHECK(tripped == std::vector<bool>{true});
  const Outliers::Clock::time_point now{seconds(1000)};
  CHECK(outliers.tripped(host(1), now, true));
  CHECK(stats.outlier_detection_ejections_enforced_consecutive_local_origin_failure.get() == 1);
  CHECK(stats.outlier_detection_ejections_enforced_consecutive_5xx.get() == 0);

  config.consecutive_local = 0;
  outliers.update(config, {host(1)});
  tripped.clear();
  for (int i = 0; i < 20; ++i) one.note(0);
  CHECK(tripped.empty());
}

TEST_CASE("a limit that is lowered below what was counted is met by the next failure", "[health]") {
  HealthStats stats;
  int tripped = 0;
  Outliers outliers(stats, [&](const Outliers::Endpoint&, bool) { ++tripped; });
  OutlierDetection config;
  config.consecutive_5xx = 10;
  outliers.update(config, {host(1)});
  upstream::Host one;
  one.address.watch = outliers.watch(host(1));
  for (int i = 0; i < 6; ++i) one.note(500);
  config.consecutive_5xx = 3;
  outliers.update(config, {host(1)});
  CHECK(tripped == 0);
  one.note(500);
  CHECK(tripped == 1);
  one.note(500);
  CHECK(tripped == 1);  // once
}

TEST_CASE("an ejection is as likely as the policy says", "[health]") {
  HealthStats stats;
  Outliers outliers(stats, [](const Outliers::Endpoint&, bool) {});
  OutlierDetection config;
  config.ejected_percent_max = 100;
  config.enforced_5xx_percent = 0;
  outliers.update(config, {host(1)});
  const Outliers::Clock::time_point now{seconds(1000)};
  for (int i = 0; i < 50; ++i) CHECK(!outliers.tripped(host(1), now));
  CHECK(stats.outlier_detection_ejections_detected_consecutive_5xx.get() == 50);
  CHECK(stats.outlier_detection_ejections_enforced_total.get() == 0);
  config.enforced_5xx_percent = 50;
  outliers.update(config, {host(1)});
  int tries = 1;
  while (!outliers.tripped(host(1), now) && tries < 1000) ++tries;
  CHECK(tries < 1000);
}
