#include "proxy/format/filter.h"

#include <catch2/catch.hpp>

using namespace tidegate::proxy;
using format::EntryFilter;
using format::Values;
using Kind = LogFilter::Kind;

namespace {

LogFilter of(Kind kind) {
  LogFilter out;
  out.kind = kind;
  return out;
}

bool matches(const LogFilter& filter, const Values& values) {
  std::string problem;
  const EntryFilter compiled = EntryFilter::compile(filter, problem);
  CHECK(problem.empty());
  return compiled.matches(values);
}

}  // namespace

TEST_CASE("filters compare status and duration", "[format]") {
  Values values;
  values.status = 404;
  values.duration = std::chrono::milliseconds(7);
  LogFilter status = of(Kind::kStatus);
  status.value = 404;
  CHECK(matches(status, values));
  status.comparison = LogFilter::Comparison::kAtLeast;
  status.value = 500;
  CHECK_FALSE(matches(status, values));
  LogFilter duration = of(Kind::kDuration);
  duration.comparison = LogFilter::Comparison::kAtMost;
  duration.value = 7;
  CHECK(matches(duration, values));
}

TEST_CASE("filters look at fields, flags, gRPC statuses and expressions", "[format]") {
  http::RequestHead request;
  request.method = "GET";
  request.fields.append("x-user", "alice");
  request.fields.append("content-type", "application/grpc");
  Values values;
  values.request = &request;
  values.status = 503;
  values.flags = format::ResponseFlags::parse("UF");
  LogFilter header = of(Kind::kHeader);
  header.header = "x-user";
  header.text = "a.*e";
  CHECK_FALSE(matches(header, values));
  header.regex = true;
  CHECK(matches(header, values));
  LogFilter flags = of(Kind::kFlags);
  CHECK(matches(flags, values));
  flags.flags = {"NR"};
  CHECK_FALSE(matches(flags, values));
  LogFilter grpc = of(Kind::kGrpcStatus);
  grpc.grpc_statuses = {14};
  CHECK(matches(grpc, values));
  grpc.exclude = true;
  CHECK_FALSE(matches(grpc, values));
  LogFilter cel = of(Kind::kCel);
  cel.text = "response.code == 503 && request.headers['x-user'] == 'alice'";
  CHECK(matches(cel, values));
  cel.text = "request.headers['nope'] == 'alice'";
  CHECK_FALSE(matches(cel, values));
  LogFilter both = of(Kind::kAll);
  both.filters = {flags, header};
  CHECK_FALSE(matches(both, values));
  both.kind = Kind::kAny;
  CHECK(matches(both, values));
}

TEST_CASE("a sample follows the request's id", "[format]") {
  http::RequestHead request;
  request.fields.append("x-request-id", "0000001e-0000-4000-8000-000000000000");  // 30
  Values values;
  values.request = &request;
  LogFilter sample = of(Kind::kSample);
  sample.numerator = 30;
  CHECK_FALSE(matches(sample, values));
  sample.numerator = 31;
  CHECK(matches(sample, values));
}

TEST_CASE("a wrong filter is told", "[format]") {
  std::string problem;
  LogFilter flags = of(Kind::kFlags);
  flags.flags = {"XX"};
  EntryFilter::compile(flags, problem);
  CHECK(problem == "XX is not a response flag");
  problem.clear();
  LogFilter regex = of(Kind::kHeader);
  regex.regex = true;
  regex.text = "(";
  EntryFilter::compile(regex, problem);
  CHECK_FALSE(problem.empty());
  problem.clear();
  LogFilter cel = of(Kind::kCel);
  cel.text = "1 +";
  EntryFilter::compile(cel, problem);
  CHECK(problem.starts_with("1:"));
}
