#pragma once

#include "proxy/exchange/exchange.h"

namespace tidegate::proxy::exchange {

/// Counts a request that has ended and went to a backend by a rule with a stat prefix
/// (Plan::counted). `status` 0: no answer was sent. `tries`: connections to endpoints that it was
/// given. Source: Envoy, "Route statistics".
void count_route(const Context& context, const router::Router::Found& found, int status,
                 std::string_view flag, std::uint32_t tries,
                 std::chrono::steady_clock::duration took);

}  // namespace tidegate::proxy::exchange
