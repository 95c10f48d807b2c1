#include "tests/unit/filters/call_fixture.h"

using namespace tidegate;
using namespace tidegate::test;
using filters::Verdict;
using std::chrono::milliseconds;

namespace {

FaultInjection aborting(int status, int percentage = 100) {
  FaultInjection out;
  out.abort = FaultInjection::Abort{status, std::nullopt, percentage};
  out.policy = "ns/faults";
  return out;
}

}  // namespace

TEST_CASE("an abort answers in the backend's place", "[fault]") {
  CallFixture one;
  CHECK(one.ask(*one.make(aborting(418))) == Verdict::kReply);
  CHECK(one.call().reply.status == 418);
  CHECK(one.call().reply.body == "fault filter abort");
  CHECK(std::string_view(one.call().reply.flag) == "FI");
  CHECK(one.call().reply.details == "fault_filter_abort");
  CHECK(one.stats.fault_aborts_injected.get() == 1);
}

TEST_CASE("a gRPC call is aborted with its status, another request with HTTP's", "[fault]") {
  FaultInjection config;
  config.abort = FaultInjection::Abort{std::nullopt, 14, 100};
  CallFixture plain;
  plain.ask(*plain.make(config));
  CHECK(plain.call().reply.status == 503);
  CallFixture grpc;
  grpc.request.version = http::Version::kHttp2;
  grpc.request.fields.append("content-type", "application/grpc+proto");
  grpc.ask(*grpc.make(config));
  CHECK(grpc.call().reply.status == 200);
  CHECK(grpc.call().reply.fields.get("grpc-status") == "14");
}

TEST_CASE("percentages hold", "[fault]") {
  CallFixture one;
  auto never = one.make(aborting(500, 0));
  auto third = one.make(aborting(500, 30));
  int aborted = 0;
  for (int i = 0; i < 2000; ++i) {
    CHECK(one.ask(*never) == Verdict::kContinue);
    aborted += one.ask(*third) == Verdict::kReply ? 1 : 0;
  }
  CHECK(aborted > 500);
  CHECK(aborted < 700);
}

TEST_CASE("a delay waits, and then the abort has its turn", "[fault]") {
  FaultInjection config = aborting(503);
  config.delay = FaultInjection::Delay{milliseconds(50), 100};
  CallFixture one;
  const auto start = std::chrono::steady_clock::now();
  CHECK(one.ask(*one.make(config)) == Verdict::kReply);
  CHECK(std::chrono::steady_clock::now() - start >= milliseconds(50));
  CHECK(one.stats.fault_delays_injected.get() == 1);
}

TEST_CASE("no more faults at one time than are allowed, whatever snapshot they are from",
          "[fault]") {
  FaultInjection config = aborting(500);
  config.active_max = 1;
  CallFixture first;
  auto filter = first.make(config);
  CHECK(first.ask(*filter) == Verdict::kReply);
  CHECK(first.stats.fault_active_faults.get() == 1);
  CallFixture second;
  CHECK(second.ask(*filter) == Verdict::kContinue);
  CHECK(second.stats.fault_faults_overflow.get() == 1);
  config.abort->http_status = 501;
  auto changed = first.make(config);  // the same policy, later
  CallFixture third;
  CHECK(third.ask(*changed) == Verdict::kContinue);
  first.end_call();
  CHECK(first.stats.fault_active_faults.get() == 0);
  CallFixture fourth;
  CHECK(fourth.ask(*changed) == Verdict::kReply);
}

TEST_CASE("an answer comes at the rate that was asked for", "[fault]") {
  FaultInjection config;
  config.response_rate = FaultInjection::RateLimit{80, 100};  // 10 000 bytes a second
  CallFixture one;
  auto filter = one.make(config);
  CHECK(one.ask(*filter) == Verdict::kContinue);
  http::ResponseHead head;
  head.status = 200;
  head.body = {http::BodyLength::Kind::kExact, 2000};
  PieceBody body({{std::string(1200, 'a'), true}, {std::string(800, 'b'), false}});
  one.call().set_response_body(body);
  filter->response(one.call(), head);
  CHECK(head.body.bytes == 2000);
  const auto start = std::chrono::steady_clock::now();
  CHECK(one.all(one.call().response_body()) == std::string(1200, 'a') + std::string(800, 'b'));
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= milliseconds(100));
  CHECK(took < milliseconds(2000));
}

TEST_CASE("a body that fits is whole before the backend sees it, one that does not is refused",
          "[buffer]") {
  CallFixture small({{"12345", false}, {"67890", false}});
  small.request.body = {http::BodyLength::Kind::kUnknown, 0};
  CHECK(small.ask(*small.make(Buffer{10})) == Verdict::kContinue);
  CHECK(small.request.body == http::BodyLength{http::BodyLength::Kind::kExact, 10});
  Result<http::Chunk> whole = small.call().request_body().poll();
  REQUIRE(whole.has_value());
  CHECK(whole->end);
  CHECK(whole->bytes.size() == 10);

  CallFixture declared({{"12345678901", false}});
  CHECK(declared.ask(*declared.make(Buffer{10})) == Verdict::kReply);
  CHECK(declared.request_body.reads == 0);
  CHECK(declared.call().reply.status == 413);
  CHECK(declared.call().reply.details == "request_payload_too_large");

  CallFixture chunked({{"12345678", false}, {"901", false}});
  chunked.request.body = {http::BodyLength::Kind::kUnknown, 0};
  CHECK(chunked.ask(*chunked.make(Buffer{10})) == Verdict::kReply);
  CHECK(chunked.call().reply.status == 413);

  CallFixture broken({{"123", false}});
  broken.request_body.broken = true;
  CHECK(broken.ask(*broken.make(Buffer{10})) == Verdict::kReply);
  CHECK(broken.call().reply.status == 400);

  CallFixture none;
  CHECK(none.ask(*none.make(Buffer{0})) == Verdict::kContinue);
}
