#include "proxy/telemetry/sink.h"

#include <catch2/catch.hpp>

#include "proto_tree.h"
#include "proxy/telemetry/envoy_log.h"
#include "proxy/telemetry/exporter.h"

using namespace tidegate::proxy;
using namespace tidegate::proxy::telemetry;

namespace {

Collector collector(const char* cluster) {
  Collector out;
  out.cluster = cluster;
  out.retries = 0;
  return out;
}

void put(const Sink& sink, std::size_t worker, const std::string& text) {
  sink.add(worker, [&](rpc::ProtoWriter& out) { out.text(5, text); });
}

}  // namespace

TEST_CASE("a queue that nobody empties is bounded by number and by bytes, and counts what is lost",
          "[sink]") {
  StatsStore stats(2);
  Sink sink(Signal::kSpans, collector("c"), 2, stats);
  for (std::uint32_t i = 0; i < Sink::kItemsMax + 10; ++i) put(sink, 0, "x");
  const Sink::Queue& first = *sink.state()->queues[0];
  CHECK(first.waiting() == Sink::kItemsMax);
  CHECK(stats.tracing()[0]->spans_dropped.get() == 10);
  CHECK(stats.exports("traces/c")[0]->items_dropped_total.get() == 10);
  CHECK(stats.exports("traces/c")[0]->queue_items.get() == Sink::kItemsMax);

  const std::string large(100 * 1024, 'y');
  for (int i = 0; i < 100; ++i) put(sink, 1, large);
  const Sink::Queue& second = *sink.state()->queues[1];
  CHECK(second.bytes() < Sink::kBytesMax + large.size() + 100);
  CHECK(second.waiting() + stats.tracing()[1]->spans_dropped.get() == 100);
}

TEST_CASE("a collector has one sink for spans and one for logs, as long as somebody has it",
          "[sink]") {
  StatsStore stats(1);
  Sinks sinks(stats, 1);
  auto one = sinks.get(Signal::kSpans, collector("a"));
  CHECK(sinks.get(Signal::kSpans, collector("a")) == one);
  CHECK(sinks.get(Signal::kLogs, collector("a")) != one);
  CHECK(sinks.get(Signal::kSpans, collector("b")) != one);
  CHECK(sinks.take_given().size() == 3);
  // The next snapshot sends elsewhere: the one before alone still has the first.
  const auto other = sinks.get(Signal::kSpans, collector("b"));
  CHECK(sinks.take_given() == std::vector<std::shared_ptr<const Sink>>{other});
  const std::weak_ptr<const Sink> gone = one;
  one.reset();
  CHECK(gone.expired());
}

TEST_CASE("what cannot be sent is dropped, and the queue is free again", "[sink]") {
  StatsStore stats(1);
  Loop loop(0, 1);
  upstream::Clusters clusters(loop);
  Sinks sinks(stats, 1);
  auto sink = sinks.get(Signal::kLogs, collector("nowhere"));
  put(*sink, 0, "before there is an exporter");
  Exporters exporters(loop, clusters);
  exporters.update(sinks.take_given());
  put(*sink, 0, "after");
  bool done = false;
  exporters.flush(std::chrono::milliseconds(5000), [&] { done = true; });
  while (!done) loop.turn(std::chrono::milliseconds(20));
  CHECK(stats.remote_logs("open_telemetry_access_log")[0]->logs_dropped.get() == 2);
  CHECK(stats.exports("logs/nowhere")[0]->calls_failed_total.get() == 1);
  CHECK(stats.exports("logs/nowhere")[0]->queue_items.get() == 0);
  CHECK(sink->state()->queues[0]->waiting() == 0);
  // Its exporter goes with the last who has it.
  const std::weak_ptr<const Sink> gone = sink;
  sink.reset();
  CHECK(gone.expired());
  exporters.update(sinks.take_given());
  done = false;
  exporters.flush(std::chrono::milliseconds(5000), [&] { done = true; });
  CHECK(done);
}

TEST_CASE("an entry of Envoy's log service reads back", "[envoy-log]") {
  net::ConnectionFacts facts;
  facts.remote_ip = "192.0.2.7";
  facts.remote = {boost::asio::ip::make_address("192.0.2.7"), 4711};
  facts.local = {boost::asio::ip::make_address("192.0.2.1"), 8080};
  http::RequestHead request;
  request.method = "POST";
  request.scheme = "http";
  request.authority = "a.example";
  request.path = "/x?y=z";
  request.version = http::Version::kHttp2;
  request.fields.append("user-agent", "curl");
  request.fields.append("X-Tenant", "one");
  request.fields.append("x-tenant", "two");
  request.fields.append("x-request-id", "id-1");
  format::Points points{};
  const auto start = std::chrono::steady_clock::now();
  points[static_cast<std::size_t>(format::Point::kDownstreamReceiveBegin)] = start;
  points[static_cast<std::size_t>(format::Point::kUpstreamReceiveBegin)] =
      start + std::chrono::milliseconds(1250);
  format::Values values;
  values.request = &request;
  values.downstream = &facts;
  values.points = &points;
  values.status = 403;
  values.flags = format::ResponseFlags::parse("UAEX,UF");
  values.details = "ext_authz_denied";
  values.started = std::chrono::system_clock::time_point(std::chrono::milliseconds(1500));
  values.duration = std::chrono::milliseconds(2001);
  values.upstream_host = "[::1]:9000";
  values.upstream_cluster = "kube_default_a_80";
  values.bytes_sent = 17;
  values.attempts = 2;
  RemoteLog log;
  log.request_headers = {"x-tenant", "x-absent"};
  rpc::ProtoWriter out;
  print_envoy_entry(log, values, out);
  const ProtoTree tree(out.data());
  REQUIRE(tree.whole());
  const ProtoTree common = tree.at(1);
  CHECK(common.at(2).at(1).at(2).bytes == "192.0.2.7");
  CHECK(common.at(2).at(1).number(3) == 4711);
  CHECK(common.at(3).at(1).number(3) == 8080);
  CHECK(common.at(5).number(1) == 1);
  CHECK(common.at(5).number(2) == 500'000'000);
  CHECK(common.at(9).number(1) == 1);
  CHECK(common.at(9).number(2) == 250'000'000);
  CHECK(common.all(10).empty());
  CHECK(common.at(13).at(1).at(2).bytes == "::1");
  CHECK(common.at(13).at(1).number(3) == 9000);
  CHECK(common.at(15).bytes == "kube_default_a_80");
  CHECK(common.at(16).number(6) == 1);
  CHECK(common.at(16).at(13).number(1) == 1);
  CHECK(common.at(23).number(1) == 2);
  CHECK(common.number(24) == 2);
  CHECK(common.at(26).bytes == "id-1");
  CHECK(common.number(33) == 6);
  CHECK(tree.number(2) == 3);
  CHECK(tree.at(3).number(1) == 3);
  CHECK(tree.at(3).at(5).bytes == "/x?y=z");
  CHECK(tree.at(3).at(6).bytes == "curl");
  REQUIRE(tree.at(3).all(13).size() == 1);
  CHECK(tree.at(3).at(13).at(2).bytes == "one,two");
  CHECK(tree.at(4).at(1).number(1) == 403);
  CHECK(tree.at(4).number(3) == 17);
  CHECK(tree.at(4).at(6).bytes == "ext_authz_denied");

  Collector collector;
  collector.log_name = "main";
  collector.node = "g.default";
  rpc::ProtoWriter entries;
  entries.text(1, out.data());
  const ProtoTree message(envoy_log_message(collector, entries.data(), false));
  CHECK(message.at(1).at(1).at(1).bytes == "g.default");
  CHECK(message.at(1).at(2).bytes == "main");
  CHECK(message.at(2).at(1).bytes == out.data());
}

TEST_CASE("a connection below HTTP has an entry of its own kind", "[envoy-log]") {
  format::Values values;
  values.http = false;
  values.bytes_received = 5;
  values.bytes_sent = 6;
  rpc::ProtoWriter out;
  print_envoy_entry(RemoteLog(), values, out);
  const ProtoTree tree(out.data());
  CHECK(tree.at(2).number(1) == 5);
  CHECK(tree.at(2).number(2) == 6);
  CHECK(tree.at(1).number(33) == 3);
  CHECK(ProtoTree(envoy_log_message(Collector(), "", true)).all(3).size() == 1);
}
