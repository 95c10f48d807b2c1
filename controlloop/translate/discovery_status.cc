#include "controlloop/translate/discovery_status.h"

#include <fmt/format.h>

namespace tidegate::controlloop::translate {
namespace {

using proxy::AppliedDiscovery;
using Outcome = AppliedDiscovery::Outcome;
constexpr const char* kType = "EndpointsDiscovered";

const char* reason_of(const AppliedDiscovery& one) {
  const bool good = one.outcome == Outcome::kFound || one.outcome == Outcome::kNothing;
  if (!good && one.endpoints > 0) return "Degraded";
  switch (one.outcome) {
    case Outcome::kFound:
      return "Discovered";
    case Outcome::kNothing:
      return "NoMatchingInstances";
    case Outcome::kNoCredentials:
      return "CredentialError";
    case Outcome::kNotAllowed:
      return "AuthorizationError";
    case Outcome::kFailed:
      return "DiscoveryError";
  }
  return "DiscoveryError";
}

std::string message_of(const AppliedDiscovery& one) {
  if (one.outcome == Outcome::kFound) return fmt::format("{} endpoints", one.endpoints);
  if (one.outcome == Outcome::kNothing) return "no running instance with an address has all tags";
  if (one.endpoints == 0) return fmt::format("{}; there are no endpoints", one.problem);
  return fmt::format("{}; {} endpoints of before are used", one.problem, one.endpoints);
}

}  // namespace

void add_discoveries(const proxy::Applied& applied, status::Statuses& statuses) {
  for (const AppliedDiscovery& one : applied.discoveries) {
    const auto status = statuses.find({one.origin.kind, one.origin.namespace_, one.origin.name});
    if (status == statuses.end()) continue;
    boost::json::object said = *status->second;
    boost::json::value* conditions = said.if_contains("conditions");
    if (!conditions || !conditions->is_array() || conditions->get_array().empty()) continue;
    boost::json::array& list = conditions->get_array();
    // A Backend that is used over HTTP/1 and HTTP/2 is two clusters.
    if (list.back().at("type") == kType) continue;
    const std::int64_t generation = list.front().at("observedGeneration").to_number<std::int64_t>();
    std::vector<status::Condition> own;
    status::set(own, kType,
                one.outcome == Outcome::kFound ? status::Condition::Value::kTrue
                                               : status::Condition::Value::kFalse,
                reason_of(one), message_of(one));
    list.push_back(status::to_json(own, generation).front());
    status->second = std::move(said);
  }
}

}  // namespace tidegate::controlloop::translate
