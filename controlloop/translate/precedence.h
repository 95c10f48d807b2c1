#pragma once

#include "proxy/snapshot/route.h"

namespace tidegate::controlloop::translate {

/// Sorts a host's entries so that the first that matches is the right one. Entries come in by age
/// and name of their route, which decides between equals. Source: HTTPRouteRule.matches.
void sort_by_precedence(std::vector<proxy::RouteEntry>& entries);

}  // namespace tidegate::controlloop::translate
