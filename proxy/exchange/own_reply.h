#pragma once

#include "proxy/exchange/plan.h"
#include "proxy/filters/filter.h"

namespace tidegate::proxy::exchange {

/// The answer of a rule that has none from a backend: a redirect or a DirectResponse. The format of
/// one sees the request as filters have left it, the connection, the rule, dynamic metadata, and
/// the status.
filters::Reply own_reply(const Plan& plan, filters::Call& call,
                         std::chrono::steady_clock::time_point started);

}  // namespace tidegate::proxy::exchange
