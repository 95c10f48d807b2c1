#pragma once

#include <string_view>

#include "proxy/exchange/exchange.h"
#include "proxy/snapshot/filters.h"

namespace tidegate::proxy::exchange {

/// What an authorization service said; texts are in the arena.
struct Verdict {
  bool allowed = false;
  int status = 403;                      // of a denial
  http::Fields fields;                   // allowed: set on the request; denied: of the answer
  std::vector<std::string_view> remove;  // from the request
  std::string_view body;                 // of a denial
};

/// Asks whether a request may go on. A service that cannot be reached, is late (2 s) or answers
/// nonsense denies with 403. `body` is what there is of the request's, if it is to be sent.
/// Source: HTTPExternalAuthFilter (GEP-1494); Envoy's ext_authz.
Task<Verdict> ask(const Context& context, const ExternalAuth& auth,
                  const http::RequestHead& request, std::string_view body, Arena& arena);

}  // namespace tidegate::proxy::exchange
