#include "proxy/telemetry/trace_context.h"

#include <catch2/catch.hpp>
#include <string>

using namespace tidegate::proxy;
using telemetry::Incoming;
using telemetry::TraceParent;

namespace {

constexpr char kGood[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string with(std::size_t at, char c) {
  std::string out = kGood;
  out[at] = c;
  return out;
}

}  // namespace

TEST_CASE("a traceparent is read and written back", "[trace][w3c]") {
  const auto parent = TraceParent::parse(kGood);
  REQUIRE(parent);
  CHECK(parent->sampled);
  CHECK(parent->trace.bytes[0] == 0x0a);
  CHECK(parent->span.bytes[7] == 0x31);
  char out[TraceParent::kBytes];
  parent->print(out);
  CHECK(std::string(out, sizeof out) == kGood);
  CHECK_FALSE(TraceParent::parse(with(54, '0'))->sampled);
  CHECK(TraceParent::parse(with(53, 'f'))->sampled);  // other flags mean nothing to us
}

TEST_CASE("a later version is read by what version 00 has, and written back as 00",
          "[trace][w3c]") {
  const auto parent = TraceParent::parse("cc" + std::string(kGood).substr(2) + "-what-comes");
  REQUIRE(parent);
  char out[TraceParent::kBytes];
  parent->print(out);
  CHECK(std::string(out, sizeof out) == kGood);
  CHECK_FALSE(TraceParent::parse("cc" + std::string(kGood).substr(2) + "x"));
  CHECK_FALSE(TraceParent::parse(std::string(kGood) + "-more"));  // version 00 ends here
}

TEST_CASE("a malformed traceparent is none", "[trace][w3c]") {
  CHECK_FALSE(TraceParent::parse(""));
  CHECK_FALSE(TraceParent::parse("ff" + std::string(kGood).substr(2)));
  CHECK_FALSE(TraceParent::parse("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
  CHECK_FALSE(TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
  // Every place, spoiled: another sign, and a digit in upper case.
  for (std::size_t at = 0; at < std::string(kGood).size(); ++at) {
    INFO(at);
    CHECK_FALSE(TraceParent::parse(with(at, 'G')));
    CHECK_FALSE(TraceParent::parse(with(at, 'A')));
    CHECK_FALSE(TraceParent::parse(with(at, '\xff')));
    CHECK_FALSE(TraceParent::parse(std::string(kGood).substr(0, at)));
    CHECK_FALSE(TraceParent::parse(std::string(kGood).erase(at, 1)));
  }
}

TEST_CASE("two traceparent fields are as good as none", "[trace][w3c]") {
  http::Fields fields;
  CHECK(telemetry::incoming(fields).state == Incoming::State::kNone);
  fields.append("TraceParent", kGood);
  CHECK(telemetry::incoming(fields).state == Incoming::State::kValid);
  fields.append("traceparent", kGood);
  CHECK(telemetry::incoming(fields).state == Incoming::State::kMalformed);
}

TEST_CASE("ids that are drawn are valid, and differ", "[trace]") {
  Random random(7);
  const auto one = telemetry::TraceId::draw(random);
  CHECK(one.valid());
  CHECK_FALSE(one == telemetry::TraceId::draw(random));
  CHECK(telemetry::SpanId::draw(random).valid());
  CHECK_FALSE(telemetry::SpanId().valid());
}
