#include "proxy/telemetry/intervals.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <numeric>

#include "proxy/telemetry/samples.h"

namespace tidegate::proxy::telemetry {

TEST_CASE("an interval has what came in it, of histograms alone", "[telemetry]") {
  boost::asio::io_context io;
  StatsStore stats(2);
  Intervals intervals(io, stats);
  const std::string name = "cluster.a.upstream_rq_time";
  stats.cluster("a")[0]->upstream_rq_time.record(7);
  stats.cluster("a")[0]->upstream_rq_total.add();
  intervals.tick();
  CHECK(intervals.of(name) == nullptr);  // it is not known when that came
  stats.cluster("a")[0]->upstream_rq_time.record(3);
  stats.cluster("a")[1]->upstream_rq_time.record(30);
  intervals.tick();
  const Buckets* got = intervals.of(name);
  REQUIRE(got != nullptr);
  CHECK(std::accumulate(got->begin(), got->end(), 0) == 2);
  CHECK((*got)[2] == 1);  // up to 5
  CHECK((*got)[5] == 1);  // up to 50
  CHECK(quantile_of(*got, 100) == 50);
  CHECK(intervals.of("cluster.a.upstream_rq_total") == nullptr);
  intervals.tick();
  CHECK(intervals.of(name) == nullptr);
}

}  // namespace tidegate::proxy::telemetry
