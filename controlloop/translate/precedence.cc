#include "controlloop/translate/precedence.h"

#include <algorithm>

namespace tidegate::controlloop::translate {

void sort_by_precedence(std::vector<proxy::RouteEntry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const proxy::RouteEntry& first, const proxy::RouteEntry& second) {
                     const proxy::Match& a = first.match;
                     const proxy::Match& b = second.match;
                     if (a.path.kind != b.path.kind) {
                       // Exact, then regular expressions (Envoy Gateway's and kgateway's choice;
                       // the specification leaves it open), then prefixes.
                       auto rank = [](proxy::PathMatch::Kind kind) {
                         return kind == proxy::PathMatch::Kind::kExact   ? 0
                                : kind == proxy::PathMatch::Kind::kRegex ? 1
                                                                         : 2;
                       };
                       return rank(a.path.kind) < rank(b.path.kind);
                     }
                     if (a.path.value.size() != b.path.value.size())
                       return a.path.value.size() > b.path.value.size();
                     if (a.method.has_value() != b.method.has_value()) return a.method.has_value();
                     if (a.headers.size() != b.headers.size())
                       return a.headers.size() > b.headers.size();
                     return a.query.size() > b.query.size();
                   });
}

}  // namespace tidegate::controlloop::translate
