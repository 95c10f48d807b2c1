#include "proxy/telemetry/prometheus.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

namespace tidegate::proxy::telemetry {
namespace {

std::string text_of(const StatsStore& stats, ScrapeOptions options = {}) {
  return scrape(stats, {}, {}, options, 0).text;
}

bool has(const std::string& text, const std::string& line) {
  return text.find(line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("what workers counted is one series, and what nobody counted is none", "[telemetry]") {
  StatsStore stats(2);
  stats.cluster("a")[0]->upstream_rq_total.add(3);
  stats.cluster("a")[1]->upstream_rq_total.add(4);
  stats.cluster("a")[1]->upstream_rq.add(503);
  stats.cluster("a")[0]->upstream_rq_xx[4].add();
  stats.cluster("b");
  const std::string text = text_of(stats);
  CHECK(has(text, R"(envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 7)"));
  CHECK(has(text,
            R"(envoy_cluster_upstream_rq{envoy_response_code="503",envoy_cluster_name="a"} 1)"));
  CHECK(has(
      text,
      R"(envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="a"} 1)"));
  CHECK(text.find(R"(upstream_rq_total{envoy_cluster_name="b"})") == text.npos);
  CHECK(has(text, R"(envoy_cluster_upstream_rq_active{envoy_cluster_name="b"} 0)"));
}

TEST_CASE("what limits turn away is one family, whoever counted it", "[telemetry]") {
  StatsStore stats(2);
  stats.http()[0]->limits.head_bytes.add();
  stats.http()[1]->limits.head_bytes.add(2);
  stats.http()[1]->downstream_rq_header_timeout.add(3);
  stats.listener("0.0.0.0_80")[0]->downstream_global_cx_overflow.add(4);
  stats.listener("0.0.0.0_81")[1]->downstream_global_cx_overflow.add(5);
  stats.udp("a")[0]->downstream_sess_overflow.add(6);
  stats.cluster("a")[0]->upstream_rq_pending_overflow.add(7);
  stats.cluster("b")[1]->upstream_rq_pending_overflow.add(8);
  const std::string text = text_of(stats);
  CHECK(has(text, "# TYPE tidegate_limit_hits_total counter"));
  CHECK(has(text, R"(tidegate_limit_hits_total{limit="head_bytes"} 3)"));
  CHECK(has(text, R"(tidegate_limit_hits_total{limit="head_time"} 3)"));
  CHECK(has(text, R"(tidegate_limit_hits_total{limit="connections"} 9)"));
  CHECK(has(text, R"(tidegate_limit_hits_total{limit="udp_sessions"} 6)"));
  CHECK(has(text, R"(tidegate_limit_hits_total{limit="upstream_requests"} 15)"));
  CHECK(text.find(R"({limit="http2_resets"})") == text.npos);
  CHECK(text.find("envoy_http_limits") == text.npos);
}

TEST_CASE("filters with a prefix count under it, and not besides", "[telemetry]") {
  StatsStore stats(2);
  stats.http()[0]->ext_authz.ok.add();
  stats.http()[0]->ext_authz.of("waf").ok.add(2);
  stats.http()[1]->ext_authz.of("b \"1\"").denied.add();
  stats.http()[1]->ext_authz.of("waf").ok.add(3);
  stats.cluster("a")[1]->ext_authz.of("waf").error.add();
  // Two that are one name to Prometheus are one.
  stats.http()[0]->ext_proc.of("x-1").streams_started.add();
  stats.http()[1]->ext_proc.of("x.1").streams_started.add(2);
  const std::string text = text_of(stats);
  CHECK(has(text, R"(envoy_http_ext_authz_ok{envoy_http_conn_manager_prefix="http"} 1)"));
  CHECK(has(
      text,
      R"(envoy_http_ext_authz_ok{envoy_ext_authz_prefix="waf",envoy_http_conn_manager_prefix="http"} 5)"));
  CHECK(has(
      text,
      R"(envoy_http_ext_authz_denied{envoy_ext_authz_prefix="b \"1\"",envoy_http_conn_manager_prefix="http"} 1)"));
  CHECK(has(
      text,
      R"(envoy_cluster_ext_authz_error{envoy_cluster_name="a",envoy_ext_authz_prefix="waf"} 1)"));
  CHECK(has(text,
            R"(envoy_http_ext_proc_x_1_streams_started{envoy_http_conn_manager_prefix="http"} 3)"));
  CHECK(text.find("ext_proc_streams_started") == text.npos);
}

TEST_CASE("prefixes of counters are bounded", "[telemetry]") {
  Prefixed<FilterStats::ExtAuthz> counters;
  for (int i = 0; i < 1000; ++i) counters.of(std::to_string(i)).ok.add();
  counters.of("0").ok.add();
  std::size_t seen = 0;
  counters.each([&seen](const std::string& prefix, const FilterStats::ExtAuthz& one) {
    CHECK(one.ok.get() == (prefix == "0" ? 2 : 1));
    ++seen;
  });
  CHECK(seen == counters.kMost);
  CHECK(counters.ok.get() == 1000 - counters.kMost);
}

TEST_CASE("a family stands together, once, whoever adds to it", "[telemetry]") {
  StatsStore stats(1);
  for (const char* name : {"a", "b", "c"}) {
    stats.cluster(name)[0]->upstream_rq_time.record(7);
    stats.cluster(name)[0]->ssl_versions.add("TLSv1.3");
    stats.membership(name).membership_total.add(2);
  }
  std::istringstream lines(text_of(stats));
  std::set<std::string> over;
  std::string now;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    now = line.substr(7, line.find(' ', 7) - 7);
    INFO(now);
    CHECK(over.insert(now).second);
  }
}

TEST_CASE("a histogram's buckets are cumulative and its sum is exact", "[telemetry]") {
  StatsStore stats(1);
  Histogram& times = stats.cluster("a")[0]->upstream_rq_time;
  times.record(0.25);
  times.record(7);
  times.record(4e6);
  const std::string text = text_of(stats);
  const std::string name = "envoy_cluster_upstream_rq_time";
  CHECK(has(text, name + R"(_bucket{envoy_cluster_name="a",le="0.5"} 1)"));
  CHECK(has(text, name + R"(_bucket{envoy_cluster_name="a",le="10"} 2)"));
  CHECK(has(text, name + R"(_bucket{envoy_cluster_name="a",le="3600000"} 2)"));
  CHECK(has(text, name + R"(_bucket{envoy_cluster_name="a",le="+Inf"} 3)"));
  CHECK(has(text, name + R"(_sum{envoy_cluster_name="a"} 4000007.25)"));
  CHECK(has(text, name + R"(_count{envoy_cluster_name="a"} 3)"));
}

TEST_CASE("OpenMetrics keeps the names of counters", "[telemetry]") {
  StatsStore stats(1);
  stats.http()[0]->downstream_rq_completed.add();
  stats.http()[0]->downstream_rq_total.add();
  ScrapeOptions options;
  options.open_metrics = true;
  const std::string text = text_of(stats, options);
  CHECK(has(text, "# TYPE envoy_http_downstream_rq_completed unknown"));
  CHECK(has(text, "# TYPE envoy_http_downstream_rq counter"));
  CHECK(has(text, R"(envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="http"} 1)"));
  CHECK(text.ends_with("# EOF\n"));
}

TEST_CASE("filters have the names that Envoy and kgateway give them", "[telemetry]") {
  StatsStore stats(1);
  HttpStats& http = *stats.http()[0];
  http.acl.blocked.add();
  http.local_rate_limit.ok.add();
  http.oauth2.oauth_success.add();
  http.csrf.request_valid.add();
  const std::string text = text_of(stats);
  CHECK(has(text, "dev_kgateway_http_acl_blocked 1"));
  CHECK(has(text,
            "envoy_http_local_rate_limit_ok"
            R"({envoy_local_http_ratelimit_prefix="http_local_rate_limiter"} 1)"));
  CHECK(has(text, R"(envoy_http_oauth_success{envoy_http_conn_manager_prefix="http"} 1)"));
  std::set<std::string> dotted;
  for (const Sample& one : collect(stats)) dotted.insert(one.dotted);
  for (const char* name :
       {"dev.kgateway.http.acl.blocked", "http_local_rate_limiter.http_local_rate_limit.ok",
        "http.http.oauth_success", "http.http.csrf.request_valid"}) {
    INFO(name);
    CHECK(dotted.contains(name));
  }
}

TEST_CASE("there are no more series than may be, and what is left out is counted", "[telemetry]") {
  StatsStore stats(1);
  for (int i = 0; i < 100; ++i) stats.cluster(std::to_string(i))[0]->upstream_rq_total.add();
  ScrapeOptions options;
  options.series_max = 50;
  const Scrape out = scrape(stats, {}, {}, options, 5);
  CHECK(std::count(out.text.begin(), out.text.end(), '\n') < 50 * 3 + 3);
  CHECK(out.dropped > 100);
  CHECK(has(out.text, "tidegate_stats_series_dropped_total " + std::to_string(out.dropped + 5)));
}

TEST_CASE("a cluster that is gone is shown for five minutes", "[telemetry]") {
  StatsStore stats(1);
  stats.cluster("a")[0]->upstream_rq_total.add();
  stats.cluster("b")[0]->upstream_rq_total.add();
  const auto now = StatsStore::Clock::now();
  stats.clusters_are({"a"}, now - std::chrono::minutes(4));
  CHECK(has(text_of(stats), R"(envoy_cluster_upstream_rq_total{envoy_cluster_name="b"} 1)"));
  stats.clusters_are({"a", "b"}, now - std::chrono::minutes(4));
  stats.clusters_are({"a"}, now - std::chrono::minutes(6));
  CHECK(text_of(stats).find("\"b\"") == std::string::npos);
  CHECK(has(text_of(stats), R"(envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 1)"));
  stats.clusters_are({"a", "b"}, now);
  CHECK(has(text_of(stats), R"(envoy_cluster_upstream_rq_total{envoy_cluster_name="b"} 1)"));
}

TEST_CASE("a counter that was reset begins at 0 and stays in view", "[telemetry]") {
  StatsStore stats(1);
  stats.cluster("a")[0]->upstream_rq_total.add(3);
  const Baseline baseline{{"cluster.a.upstream_rq_total", 3}};
  ScrapeOptions options;
  options.baseline = &baseline;
  CHECK(
      has(text_of(stats, options), R"(envoy_cluster_upstream_rq_total{envoy_cluster_name="a"} 0)"));
}

TEST_CASE("names from outside are bounded and escaped", "[telemetry]") {
  NamedCounters names;
  for (int i = 0; i < 1000; ++i) names.add("cipher " + std::to_string(i));
  CHECK(names.all().size() == NamedCounters::kMost + 1);
  CHECK(names.all().at("other") == 1000 - NamedCounters::kMost);
  CHECK(label_text({"a", "b\"c\\d\ne"}) == R"(a="b\"c\\d\ne")");
}

}  // namespace tidegate::proxy::telemetry
