#include "controlloop/policy/merge.h"

#include <catch2/catch.hpp>

#include "controlloop/policy/traffic_field.h"
#include "controlloop/policy/traffic_fields.h"

using namespace tidegate;
using namespace tidegate::controlloop::policy;

namespace {

FieldSet fields(std::initializer_list<std::size_t> which) {
  FieldSet out;
  for (const std::size_t one : which) out.set(one);
  return out;
}

}  // namespace

TEST_CASE("the more specific level has a field, the others fill in", "[policy]") {
  const std::vector<FieldSet> given{fields({0, 1}), fields({0, 2})};
  const Choice choice = merge({{{1}, false}, {{0}, false}}, given, 4);
  CHECK(choice[0].policy == 1);
  CHECK(choice[1].policy == 0);
  CHECK(choice[2].policy == 1);
  CHECK(choice[3].policy == Chosen::kNone);
}

TEST_CASE("a level that prefers the parent goes before those below it, not above", "[policy]") {
  const std::vector<FieldSet> given{fields({0}), fields({0}), fields({0, 1})};
  CHECK(merge({{{0}, false}, {{1}, true}, {{2}, false}}, given, 2)[0].policy == 1);
  CHECK(merge({{{0}, false}, {{1}, true}, {{2}, true}}, given, 2)[0].policy == 2);
  CHECK(merge({{{0}, true}, {{1}, false}}, given, 2)[0].policy == 0);
}

TEST_CASE("at one level the first policy that gives a field has it", "[policy]") {
  const std::vector<FieldSet> given{fields({1}), fields({0, 1})};
  const Choice choice = merge({{{0, 1}, false}}, given, 2);
  CHECK(choice[0].policy == 1);
  CHECK(choice[1].policy == 0);
}

TEST_CASE("filters stand in Envoy's order, whatever the order of the table", "[policy]") {
  CHECK(kAtFault < kAtCors);
  CHECK(kAtCors < kAtDecompression);
  CHECK(kAtCompression < kAtOAuth2);
  CHECK(kAtOAuth2 < kAtApiKeyAuth);
  CHECK(kAtJwtAuth < kAtRbac);
  CHECK(kAtRbac < kAtExtProc);
  CHECK(kAtExtProc < kAtLocalRateLimit);
  CHECK(kAtGlobalRateLimit < kAtTransformation);
  CHECK(kAtTransformation < kAtBuffer);
  CHECK(kAtHeaderModifiers < kAtRouter);
  CHECK(Position{Stage::kAuthZ, Side::kDuring, 5} < Position{Stage::kAuthZ, Side::kDuring, 1});
  CHECK(traffic_fields().size() <= kFieldsMax);
}

TEST_CASE("access lists are united unless they contradict each other", "[policy]") {
  using config::kgateway::AclAction;
  TrafficPolicy a;
  a.acl.emplace().rules.push_back({"a", {"10.0.0.0/8"}, AclAction::kDeny});
  TrafficPolicy b;
  b.acl.emplace().rules.push_back({"b", {"192.0.2.1"}, AclAction::kDeny});
  const auto both = unite_acl({&a, &b});
  REQUIRE(both);
  CHECK(both->acl->rules.size() == 2);
  b.acl->default_action = AclAction::kDeny;
  CHECK_FALSE(unite_acl({&a, &b}));
}
