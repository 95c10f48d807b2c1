#pragma once

#include "proxy/exchange/exchange.h"

namespace tidegate::proxy::exchange {

/// The rule for a request; or what is to be answered where there is none.
struct Routed {
  router::Router::Found found{};
  const Plan* plan = nullptr;  // null: answer with `status`
  int status = 404;
  const char* flag = "-";  // Envoy's
};

/// Finds the site by Host, which must be the one that the connection's SNI named, and the rule in
/// it. Source: RFC 9110 section 15.5.20 (421).
Routed find_rule(const Context& context, const http::RequestHead& request);
/// The same, and nothing is counted.
Routed look_for_rule(const Context& context, const http::RequestHead& request);

/// The filters of a request that goes by another rule than it did: the first `acted` of those that
/// it went by, then those of `next` (null: none) that are not among them. A rule's filters act
/// whatever rule a request came from, and none acts twice.
filters::Chain joined(const filters::Chain& before, std::size_t acted, const filters::Chain* next);

}  // namespace tidegate::proxy::exchange
