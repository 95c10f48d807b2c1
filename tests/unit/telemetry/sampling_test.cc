#include "proxy/telemetry/sampling.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using telemetry::SamplingRates;
using telemetry::TraceReason;

namespace {

// The first eight digits are 0x2710 * n + r: the number is r.
constexpr char kNumber0[] = "00000000-1111-4222-8333-444444444444";
constexpr char kNumber5000[] = "00001388-1111-4222-8333-444444444444";

struct Request {
  Tracing tracing;
  SamplingRates rates;
  http::RequestHead head;
  Random random{1};
  Arena arena;

  explicit Request(std::string_view id) {
    if (!id.empty()) head.fields.append("x-request-id", id);
  }
  TraceReason decide(bool internal = false) {
    return telemetry::decide(head, tracing, rates, internal, random, arena);
  }
  std::string id() const { return std::string(head.fields.get("x-request-id")); }
};

}  // namespace

TEST_CASE("who is sampled at random follows from the request's id", "[trace][sampling]") {
  for (int i = 0; i < 3; ++i) {
    Request request(kNumber5000);
    request.rates.random = 50;
    CHECK(request.decide() == TraceReason::kNotTraceable);
    CHECK(request.id() == kNumber5000);
    request.rates.random = 51;
    CHECK(request.decide() == TraceReason::kRandom);
    CHECK(request.id() == "00001388-1111-9222-8333-444444444444");
  }
}

TEST_CASE("nothing is above the overall rate", "[trace][sampling]") {
  Request request(kNumber5000);
  request.rates.overall = 50;
  request.head.fields.append("x-client-trace-id", "me");
  CHECK(request.decide() == TraceReason::kNotTraceable);
  Request none(kNumber0);
  none.rates.overall = 0;
  CHECK(none.decide() == TraceReason::kNotTraceable);
}

TEST_CASE("a client asks by x-client-trace-id, within the client's rate", "[trace][sampling]") {
  Request request(kNumber0);
  request.rates.random = 0;
  request.head.fields.append("x-client-trace-id", "me");
  CHECK(request.decide() == TraceReason::kClientForced);
  CHECK(request.id() == "00000000-1111-b222-8333-444444444444");
  Request refused(kNumber0);
  refused.rates.random = refused.rates.client = 0;
  refused.head.fields.append("x-client-trace-id", "me");
  CHECK(refused.decide() == TraceReason::kNotTraceable);
}

TEST_CASE("x-envoy-force-trace is believed from within only", "[trace][sampling]") {
  Request inside(kNumber0);
  inside.rates.random = 0;
  inside.head.fields.append("x-envoy-force-trace", "1");
  CHECK(inside.decide(true) == TraceReason::kServiceForced);
  CHECK(inside.id() == "00000000-1111-a222-8333-444444444444");
  Request outside(kNumber0);
  outside.rates.random = 0;
  outside.head.fields.append("x-envoy-force-trace", "1");
  CHECK(outside.decide() == TraceReason::kNotTraceable);
  CHECK_FALSE(outside.head.fields.has("x-envoy-force-trace"));
}

TEST_CASE("a decision that an id carries holds, unless ids are left alone", "[trace][sampling]") {
  Request request("00000000-1111-b222-8333-444444444444");
  request.rates.random = 0;
  CHECK(request.decide() == TraceReason::kClientForced);
  Request alone("00000000-1111-b222-8333-444444444444");
  alone.rates.random = 0;
  alone.tracing.pack_reason = false;
  CHECK(alone.decide() == TraceReason::kNotTraceable);
  Request sampled(kNumber0);
  sampled.tracing.pack_reason = false;
  CHECK(sampled.decide() == TraceReason::kRandom);
  CHECK(sampled.id() == kNumber0);
}

TEST_CASE("an id that is no UUID is kept, and sampling is by chance", "[trace][sampling]") {
  for (const char* id : {"mine", "00000000-1111-4222-8333-44444444444g", ""}) {
    Request request(id);
    request.rates.random = 50;
    int hit = 0;
    for (int i = 0; i < 1000; ++i) hit += request.decide() == TraceReason::kRandom ? 1 : 0;
    CHECK(hit > 400);
    CHECK(hit < 600);
    CHECK(request.id() == id);
  }
}

TEST_CASE("a route's rates go before the listener's", "[trace][sampling]") {
  Tracing tracing;
  tracing.random_percent = 7;
  RouteTracing route;
  CHECK(telemetry::rates_of(tracing, nullptr).random == 7);
  route.random_percent = 9;
  CHECK(telemetry::rates_of(tracing, &route).random == 9);
  CHECK(telemetry::rates_of(tracing, &route).client == 100);
  route.disabled = true;
  CHECK(telemetry::rates_of(tracing, &route).overall == 0);
}
