#include <catch2/catch.hpp>

#include "config/object_set.h"
#include "controlloop/policy/traffic_fields.h"

using namespace tidegate;
using namespace tidegate::controlloop;
using namespace tidegate::controlloop::policy;

namespace {

class NoReferences final : public References {
 public:
  Backend backend(std::string_view, const std::string&, const config::BackendObjectRef&,
                  bool) override {
    return {};
  }
  bool permitted(std::string_view, const std::string&, std::string_view, const std::string&,
                 const std::string&) override {
    return false;
  }
};

/// A policy, and what one of its fields becomes.
struct OneField {
  OneField() {
    policy.meta.namespace_ = "ns";
    policy.meta.name = "name";
  }
  TrafficPolicy policy;
  config::ObjectSet objects;
  std::vector<config::Problem> problems;
  status::Report report{objects, problems};
  NoReferences references;
  FieldContext context{objects, references, report, policy.meta};

  /// The only filter that came of it.
  template <class T>
  const T& filter() {
    REQUIRE(context.filters().size() == 1);
    const T* found = context.filters()[0].second.get<T>();
    REQUIRE(found != nullptr);
    return *found;
  }
};

}  // namespace

TEST_CASE("rbac: expressions are compiled, and what is wrong has its place", "[policy][rbac]") {
  OneField good;
  good.policy.rbac.emplace();
  good.policy.rbac->action = config::kgateway::Authorization::Action::kDeny;
  good.policy.rbac->policy.match_expressions = {"request.method == 'GET'"};
  make_rbac(good.policy, good.context);
  CHECK(good.context.failed().empty());
  CHECK(good.filter<proxy::Rbac>() ==
        proxy::Rbac{proxy::Rbac::Action::kDeny, {"request.method == 'GET'"}, "ns/name"});
  CHECK(good.context.filters()[0].first == kAtRbac);

  OneField bad;
  bad.policy.rbac.emplace();
  bad.policy.rbac->policy.match_expressions = {"true", "request.method ==", "response.code == 200"};
  make_rbac(bad.policy, bad.context);
  CHECK(bad.context.failed() ==
        "rbac.policy.matchExpressions[1]: no CEL expression: 1:18: the expression ends too early");
  REQUIRE(bad.problems.size() == 2);
  CHECK(bad.problems[0].message.find("matchExpressions[1]") != std::string::npos);
  CHECK(bad.problems[1].message.find("'response.code' is not known when access is decided") !=
        std::string::npos);
}

TEST_CASE("compression: libraries in their order; disabled, there is no filter",
          "[policy][compression]") {
  using config::kgateway::CompressionLibrary;
  OneField answer;
  answer.policy.compression.emplace().response_compression.emplace().libraries = {
      CompressionLibrary::kZstd, CompressionLibrary::kGzip};
  make_compression(answer.policy, answer.context);
  CHECK(answer.filter<proxy::Compression>().codings ==
        std::vector{proxy::ContentCoding::kZstd, proxy::ContentCoding::kGzip});
  OneField request;
  request.policy.compression.emplace().request_decompression.emplace();
  make_decompression(request.policy, request.context);
  CHECK(request.filter<proxy::Decompression>().codings == std::vector{proxy::ContentCoding::kGzip});
  OneField off;
  off.policy.compression.emplace().response_compression.emplace().disable.emplace();
  make_compression(off.policy, off.context);
  CHECK(off.context.filters().empty());
}

TEST_CASE("faultInjection: all three faults", "[policy][fault]") {
  OneField one;
  auto& from = one.policy.fault_injection.emplace();
  from.delay.emplace() = {std::chrono::milliseconds(1500), 10};
  from.abort.emplace().grpc_status = 14;
  from.response_rate_limit.emplace() = {64, 50};
  from.max_active_faults = 7;
  make_fault_injection(one.policy, one.context);
  const auto& to = one.filter<proxy::FaultInjection>();
  CHECK(to.delay == proxy::FaultInjection::Delay{std::chrono::milliseconds(1500), 10});
  CHECK(to.abort == proxy::FaultInjection::Abort{std::nullopt, 14, 100});
  CHECK(to.response_rate == proxy::FaultInjection::RateLimit{64, 50});
  CHECK(to.active_max == 7U);
  CHECK(to.policy == "ns/name");
  OneField off;
  off.policy.fault_injection.emplace().disable.emplace();
  make_fault_injection(off.policy, off.context);
  CHECK(off.context.filters().empty());
}

TEST_CASE("buffer: its size in bytes", "[policy][buffer]") {
  OneField one;
  one.policy.buffer.emplace().max_request_size = config::kgateway::Quantity{65536};
  make_buffer(one.policy, one.context);
  CHECK(one.filter<proxy::Buffer>().request_bytes_max == 65536);
}
