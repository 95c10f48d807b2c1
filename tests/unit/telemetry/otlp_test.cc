#include "proxy/telemetry/otlp.h"

#include <catch2/catch.hpp>

#include "proto_tree.h"

using namespace tidegate::proxy;
using namespace tidegate::proxy::telemetry;
using std::chrono::system_clock;

TEST_CASE("a span is what the collector reads", "[otlp]") {
  Random random(3);
  Span span;
  span.trace = TraceId::draw(random);
  span.id = SpanId::draw(random);
  span.parent = SpanId::draw(random);
  span.parent_remote = true;
  span.trace_state = "a=b,c=d";
  span.name = "ingress";
  span.start = system_clock::time_point(std::chrono::seconds(5));
  span.end = system_clock::time_point(std::chrono::milliseconds(5250));
  span.error = true;
  rpc::ProtoWriter out;
  print(span, out);
  add_span_attribute(out, "zone", "");
  add_span_attribute(out, "http.url", std::string(300, 'x'));
  add_span_event(out, "request headers", span.start);

  const ProtoTree tree(out.data());
  REQUIRE(tree.whole());
  CHECK(tree.at(1).bytes == span.trace.view());
  CHECK(tree.at(2).bytes == span.id.view());
  CHECK(tree.at(3).bytes == "a=b,c=d");
  CHECK(tree.at(4).bytes == span.parent.view());
  CHECK(tree.at(5).bytes == "ingress");
  CHECK(tree.number(6) == 2);
  CHECK(tree.number(7) == 5'000'000'000);
  CHECK(tree.number(8) == 5'250'000'000);
  CHECK(tree.at(15).number(3) == 2);
  CHECK(tree.number(16) == 0x301);
  CHECK(tree.attribute(9, "zone").empty());
  CHECK(tree.attribute(9, "http.url") == std::string(300, 'x'));
  CHECK(tree.at(11).at(2).bytes == "request headers");
  CHECK(tree.at(11).number(1) == 5'000'000'000);
}

TEST_CASE("the first span of a trace has no parent and no error", "[otlp]") {
  Span span;
  span.kind = Span::Kind::kClient;
  rpc::ProtoWriter out;
  print(span, out);
  const ProtoTree tree(out.data());
  CHECK(tree.all(4).empty());
  CHECK(tree.all(15).empty());
  CHECK(tree.number(6) == 3);
  CHECK(tree.number(16) == 0x101);
}

TEST_CASE("messages of every length are closed where they end", "[otlp]") {
  for (const std::size_t size : {0U, 1U, 126U, 127U, 128U, 129U, 16383U, 16384U, 20000U}) {
    INFO(size);
    rpc::ProtoWriter out;
    const std::size_t outer = out.open(1);
    const std::size_t inner = out.open(2);
    out.text(3, std::string(size, 'y'));
    out.close(inner);
    out.number(4, 7);
    out.close(outer);
    out.fixed32(5, 9);
    const ProtoTree tree(out.data());
    REQUIRE(tree.whole());
    CHECK(tree.at(1).at(2).at(3).bytes.size() == size);
    CHECK(tree.at(1).number(4) == 7);
    CHECK(tree.number(5) == 9);
  }
}

TEST_CASE("the resource is who we are, then what the environment adds", "[otlp]") {
  Collector collector;
  collector.resource = {{"service.name", "g.default"}};
  auto read = [&](const char* environment) {
    return ProtoTree(resource_of(collector, environment));
  };
  const ProtoTree tree =
      read("service.name=other, k8s.pod.name = gateway%2D1 ,empty=,deployment=a b");
  CHECK(tree.attribute(1, "service.name") == "g.default");
  CHECK(tree.attribute(1, "k8s.pod.name") == "gateway-1");
  CHECK(tree.attribute(1, "empty").empty());
  CHECK(tree.attribute(1, "deployment") == "a b");
  CHECK(tree.attribute(1, "telemetry.sdk.name") == "tidegate");
  for (const char* malformed : {"a=b,c", "a=b,=c", "a=%4", "a=%zz"}) {
    INFO(malformed);
    CHECK(read(malformed).attribute(1, "a") == "(none)");
    CHECK(read(malformed).attribute(1, "service.name") == "g.default");
  }
  CHECK(read(nullptr).attribute(1, "k8s.pod.name") == "(none)");
  collector.environment_resource = false;
  CHECK(read("a=b").attribute(1, "a") == "(none)");
}

TEST_CASE("a request has one resource, one scope, and all records", "[otlp]") {
  rpc::ProtoWriter records;
  records.text(2, "one");
  records.text(2, "two");
  Collector collector;
  const ProtoTree tree(export_request(resource_of(collector, nullptr), records.data()));
  REQUIRE(tree.whole());
  CHECK(tree.at(1).at(1).attribute(1, "telemetry.sdk.language") == "cpp");
  CHECK(tree.at(1).at(2).at(1).at(1).bytes == "tidegate");
  CHECK(tree.at(1).at(2).all(2) == std::vector<std::string>{"one", "two"});
}

TEST_CASE("a collector says how many it did not take", "[otlp]") {
  rpc::ProtoWriter partial;
  partial.number(1, 3);
  partial.bytes(2, "too old");
  rpc::ProtoWriter response;
  response.message(1, partial);
  CHECK(rejected_by(response.data()) == 3);
  CHECK(rejected_by("") == 0);
  CHECK(rejected_by("\x0a\xff garbage") == 0);
}

TEST_CASE("only what may go better later is tried again", "[otlp]") {
  CHECK(retryable_grpc(14));
  CHECK_FALSE(retryable_grpc(3));
  CHECK_FALSE(retryable_grpc(8));
  CHECK_FALSE(retryable_grpc(12));
  CHECK(retryable_http(429));
  CHECK(retryable_http(503));
  CHECK_FALSE(retryable_http(400));
  CHECK_FALSE(retryable_http(500));
}
