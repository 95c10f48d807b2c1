#include "controlloop/translate/discovery_status.h"

#include <catch2/catch.hpp>

using namespace tidegate::controlloop;
using tidegate::proxy::Applied;
using tidegate::proxy::AppliedDiscovery;
using Outcome = AppliedDiscovery::Outcome;

namespace {

AppliedDiscovery discovery(Outcome outcome, std::size_t endpoints, std::string problem) {
  AppliedDiscovery out;
  out.origin.kind = "Backend";
  out.origin.namespace_ = "default";
  out.origin.name = "b";
  out.outcome = outcome;
  out.endpoints = endpoints;
  out.problem = std::move(problem);
  return out;
}

/// "STATUS REASON MESSAGE" of the condition; empty: there is none.
std::string said(const std::vector<AppliedDiscovery>& discoveries) {
  std::vector<status::Condition> conditions;
  status::set(conditions, "Accepted", status::Condition::Value::kTrue, "Accepted", "");
  status::Statuses statuses;
  statuses[{"Backend", "default", "b"}] =
      boost::json::object{{"conditions", status::to_json(conditions, 7)}};
  Applied applied;
  applied.discoveries = discoveries;
  translate::add_discoveries(applied, statuses);
  const auto& list = statuses[{"Backend", "default", "b"}]->at("conditions").as_array();
  REQUIRE(list.size() == (discoveries.empty() ? 1 : 2));
  if (discoveries.empty()) return {};
  CHECK(list[1].at("type") == "EndpointsDiscovered");
  CHECK(list[1].at("observedGeneration") == 7);
  std::string out;
  for (const char* part : {"status", "reason", "message"})
    out += (out.empty() ? "" : " ") + std::string(list[1].at(part).as_string());
  return out;
}

}  // namespace

TEST_CASE("a Backend says what came of asking for its endpoints", "[aws]") {
  CHECK(said({}).empty());
  const AppliedDiscovery found = discovery(Outcome::kFound, 3, "");
  CHECK(said({found}) == "True Discovered 3 endpoints");
  CHECK(said({found, found}) == "True Discovered 3 endpoints");  // over HTTP/1 and HTTP/2
  CHECK(said({discovery(Outcome::kNothing, 0, "")}).starts_with("False NoMatchingInstances "));
  CHECK(said({discovery(Outcome::kFailed, 0, "x")}) ==
        "False DiscoveryError x; there are no endpoints");
  CHECK(said({discovery(Outcome::kNotAllowed, 0, "x")}).starts_with("False AuthorizationError "));
  CHECK(said({discovery(Outcome::kNoCredentials, 0, "x")}).starts_with("False CredentialError "));
  CHECK(said({discovery(Outcome::kNoCredentials, 2, "x")}) ==
        "False Degraded x; 2 endpoints of before are used");
}

TEST_CASE("what was asked for a Backend that is gone is nobody's status", "[aws]") {
  status::Statuses statuses;
  Applied applied;
  applied.discoveries = {discovery(Outcome::kFound, 1, "")};
  translate::add_discoveries(applied, statuses);
  CHECK(statuses.empty());
}
