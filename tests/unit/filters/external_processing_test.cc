#include "proxy/snapshot/external_processing.h"

#include "call_fixture.h"
#include "proxy/filters/bodies.h"

using namespace tidegate;
using namespace tidegate::proxy;
using filters::Verdict;
using Body = ProcessingMode::Body;

namespace {

/// A service whose cluster is not there: what becomes of an exchange that nobody processes.
ExternalProcessing away(bool fail_open, ProcessingMode mode = {}) {
  ExternalProcessing out;
  out.service.cluster = "nowhere";
  out.fail_open = fail_open;
  out.mode = mode;
  return out;
}

ProcessingMode bodies(Body request, Body response) {
  ProcessingMode out;
  out.request_body = request;
  out.response_body = response;
  return out;
}

struct Answered : test::CallFixture {
  http::ResponseHead head;
  test::PieceBody body;

  explicit Answered(std::vector<test::PieceBody::Piece> asked = {},
                    std::vector<test::PieceBody::Piece> answer = {{"an"}, {"swer", false}})
      : CallFixture(std::move(asked)), body(std::move(answer)) {
    head.status = 200;
    head.body = {http::BodyLength::Kind::kExact, 6};
    call().set_response_body(body);
  }
  Verdict answer(const filters::Filter& filter) {
    Verdict verdict = filter.response(call(), head);
    if (verdict == Verdict::kWait) verdict = wait(filter.response_waiting(call(), head));
    return verdict;
  }
  /// Companions of the exchange end before it does.
  void settle() {
    wait([](filters::Call& one) -> Task<bool> {
      co_await one.settle();
      co_return true;
    }(call()));
  }
};

}  // namespace

TEST_CASE("a service that is away closes or opens, as the settings say, in every mode") {
  for (const Body mode : {Body::kNone, Body::kStreamed, Body::kBuffered, Body::kBufferedPartial,
                          Body::kFullDuplexStreamed}) {
    Answered closed({{"some "}, {"text", false}});
    const auto closing = closed.make(away(false, bodies(mode, mode)));
    CHECK(closed.ask(*closing) == Verdict::kReply);
    REQUIRE(closed.call().refusal);
    CHECK(closed.call().decided().status == 500);
    CHECK(closed.call().reply.details == "ext_proc_error_gRPC_error_14");
    CHECK(!closed.call().refusal);
    CHECK(closed.answer(*closing) == Verdict::kContinue);  // the refusal itself is not shown
    closed.settle();
    CHECK(closed.stats.ext_proc.streams_failed.get() == 1);

    Answered open({{"some "}, {"text", false}});
    const auto opening = open.make(away(true, bodies(mode, mode)));
    CHECK(open.ask(*opening) == Verdict::kContinue);
    CHECK(open.all(open.call().request_body()) == "some text");
    CHECK(open.answer(*opening) == Verdict::kContinue);
    CHECK(open.all(open.call().response_body()) == "answer");
    open.settle();
    CHECK(open.stats.ext_proc.failure_mode_allowed.get() == 1);
  }
}

TEST_CASE("a body alone is shown when it comes, and lost with a service that is away") {
  for (const Body mode : {Body::kStreamed, Body::kBuffered, Body::kFullDuplexStreamed}) {
    ProcessingMode only_bodies = bodies(mode, Body::kNone);
    only_bodies.request_headers = only_bodies.response_headers = false;
    Answered one({{"some "}, {"text", false}});
    const auto filter = one.make(away(false, only_bodies));
    const Verdict verdict = one.ask(*filter);
    if (mode == Body::kBuffered) {
      CHECK(verdict == Verdict::kReply);
    } else {
      CHECK(verdict == Verdict::kContinue);
      CHECK(one.all(one.call().request_body()) == "!");
    }
    CHECK(one.call().refusal);
    one.settle();
  }
}

TEST_CASE("a message without a body has none to show") {
  ProcessingMode only_bodies = bodies(Body::kStreamed, Body::kBuffered);
  only_bodies.request_headers = only_bodies.response_headers = false;
  only_bodies.request_trailers = only_bodies.response_trailers = true;
  Answered one;
  const auto filter = one.make(away(false, only_bodies));
  CHECK(one.ask(*filter) == Verdict::kContinue);
  one.head.body = {};
  CHECK(one.answer(*filter) == Verdict::kContinue);
  CHECK(one.stats.ext_proc.streams_started.get() == 0);
  CHECK(!one.call().refusal);
}

TEST_CASE("a tunnel's bytes are no body") {
  Answered one({{"bytes"}});
  one.request.upgrade = "websocket";
  ProcessingMode only_bodies = bodies(Body::kStreamed, Body::kStreamed);
  only_bodies.request_headers = only_bodies.response_headers = false;
  const auto filter = one.make(away(false, only_bodies));
  CHECK(one.ask(*filter) == Verdict::kContinue);
  one.head.status = 101;
  CHECK(one.answer(*filter) == Verdict::kContinue);
  CHECK(one.stats.ext_proc.streams_started.get() == 0);
}

TEST_CASE("a body over the limit is not buffered, whoever would have seen it") {
  ExternalProcessing config = away(true, bodies(Body::kBuffered, Body::kBuffered));
  config.mode.request_headers = config.mode.response_headers = false;
  config.body_bytes_max = 5;
  for (const auto kind : {http::BodyLength::Kind::kExact, http::BodyLength::Kind::kUnknown}) {
    Answered one({{"some "}, {"text", false}});
    one.request.body.kind = kind;
    one.head.body.kind = kind;
    const auto filter = one.make(config);
    CHECK(one.ask(*filter) == Verdict::kReply);
    CHECK(one.call().decided().status == 413);
    CHECK(one.answer(*filter) == Verdict::kReply);
    CHECK(one.call().decided().status == 500);
  }
}

TEST_CASE("a client that breaks off while its body is shown is not waited for") {
  for (const Body mode : {Body::kStreamed, Body::kFullDuplexStreamed}) {
    Answered one({{"some "}, {"text", false}});
    one.request_body.broken = true;
    ProcessingMode only_bodies = bodies(mode, Body::kNone);
    only_bodies.request_headers = only_bodies.response_headers = false;
    const auto filter = one.make(away(true, only_bodies));
    CHECK(one.ask(*filter) == Verdict::kContinue);
    const std::string seen = one.all(one.call().request_body());
    CHECK(seen.back() == '!');
    one.settle();
  }
}
