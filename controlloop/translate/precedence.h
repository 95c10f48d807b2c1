#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proxy/snapshot/route.h"

namespace tidegate::controlloop::translate {

/// A route's weight, then how specific its match is: compared number by number, the greater one
/// goes first.
using Rank = std::array<std::size_t, 6>;

/// A match that stands in line for its host's table.
struct RankedMatch {
  proxy::Match match;
  Rank rank{};
};

/// Exact paths before regular expressions (Envoy Gateway's and kgateway's choice; the specification
/// leaves it open) before prefixes; then the longer path, a method, the number of headers and of
/// query parameters. Source: HTTPRouteRule.matches.
Rank http_rank(const proxy::Match& match);

/// Of all routes without the annotation kgateway.dev/route-weight; see weigh().
inline constexpr std::size_t kWeightZero = std::size_t{1} << 31U;

/// Puts the weight in front of what the specification says.
/// Source: kgateway guide traffic-management/weighted-routes.
inline Rank weigh(Rank rank, std::int32_t weight) {
  rank[0] = static_cast<std::size_t>(static_cast<std::int64_t>(kWeightZero) + weight);
  return rank;
}

/// A host's matches, each with the index of its rule in the table.
using RankedEntries = std::vector<std::pair<Rank, proxy::RouteEntry>>;

/// In the order in which they are to be tried. They come in by age and name of their route, which
/// decides between equals.
std::vector<proxy::RouteEntry> by_precedence(RankedEntries entries);

}  // namespace tidegate::controlloop::translate
