#include "controlloop/translate/precedence.h"

#include <algorithm>

namespace tidegate::controlloop::translate {

Rank http_rank(const proxy::Match& match) {
  const std::size_t kind = match.path.kind == proxy::PathMatch::Kind::kExact   ? 2
                           : match.path.kind == proxy::PathMatch::Kind::kRegex ? 1
                                                                               : 0;
  return {kWeightZero,
          kind,
          match.path.value.size(),
          match.method ? 1U : 0U,
          match.headers.size(),
          match.query.size()};
}

std::vector<proxy::RouteEntry> by_precedence(RankedEntries entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<proxy::RouteEntry> out;
  out.reserve(entries.size());
  for (auto& [rank, entry] : entries) out.push_back(std::move(entry));
  return out;
}

}  // namespace tidegate::controlloop::translate
