#include "controlloop/translate/matches.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

namespace tidegate::controlloop::translate {
namespace {

std::vector<proxy::ValueMatch> value_matches(const std::vector<config::HttpValueMatch>& from,
                                             bool fold) {
  std::vector<proxy::ValueMatch> out;
  for (const config::HttpValueMatch& one : from) {
    proxy::ValueMatch match{one.name, one.value,
                            one.type == config::ValueMatchType::kRegularExpression};
    if (fold) {
      for (char& c : match.name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    // Of several with one name only the first counts (HTTPHeaderMatch, HTTPQueryParamMatch).
    const bool known = std::any_of(
        out.begin(), out.end(), [&match](const auto& other) { return other.name == match.name; });
    if (!known) out.push_back(std::move(match));
  }
  return out;
}

proxy::PathMatch grpc_path(const config::GrpcMethodMatch& from) {
  using Kind = proxy::PathMatch::Kind;
  if (from.type == config::ValueMatchType::kExact) {
    if (from.service && from.method)
      return {Kind::kExact, "/" + *from.service + "/" + *from.method};
    if (from.service) return {Kind::kPrefix, "/" + *from.service};
    if (from.method) return {Kind::kRegex, "/[^/]+/" + RE2::QuoteMeta(*from.method)};
    return {};
  }
  auto part = [](const std::optional<std::string>& text) {
    return text ? "(?:" + *text + ")" : std::string("[^/]+");
  };
  return {Kind::kRegex, "/" + part(from.service) + "/" + part(from.method)};
}

void try_expression(const std::string& what, const std::string& text, std::string& wrong) {
  const RE2 compiled(text, RE2::Quiet);
  if (compiled.ok()) return;
  if (!wrong.empty()) wrong += "; ";
  wrong +=
      fmt::format("the {} \"{}\" is not a regular expression: {}", what, text, compiled.error());
}

}  // namespace

RankedMatch http_match(const config::HttpRouteMatch& from) {
  proxy::Match out;
  out.path.value = from.path.value;
  switch (from.path.type) {
    case config::PathMatchType::kExact:
      out.path.kind = proxy::PathMatch::Kind::kExact;
      break;
    case config::PathMatchType::kRegularExpression:
      out.path.kind = proxy::PathMatch::Kind::kRegex;
      break;
    case config::PathMatchType::kPathPrefix:
      out.path.kind = proxy::PathMatch::Kind::kPrefix;
      while (out.path.value.size() > 1 && out.path.value.back() == '/') out.path.value.pop_back();
      break;
  }
  if (!from.method.empty()) out.method = from.method;
  out.headers = value_matches(from.headers, true);
  out.query = value_matches(from.query_params, false);
  const Rank rank = http_rank(out);
  return {std::move(out), rank};
}

RankedMatch grpc_match(const config::GrpcRouteMatch& from) {
  RankedMatch out;
  out.rank[0] = kWeightZero;
  if (from.method) {
    out.match.path = grpc_path(*from.method);
    out.rank[1] = from.method->service.value_or("").size();
    out.rank[2] = from.method->method.value_or("").size();
  }
  out.match.headers = value_matches(from.headers, true);
  out.rank[3] = out.match.headers.size();
  return out;
}

std::string wrong_expressions(const proxy::Match& match) {
  std::string wrong;
  if (match.path.kind == proxy::PathMatch::Kind::kRegex)
    try_expression("path", match.path.value, wrong);
  for (const proxy::ValueMatch& one : match.headers)
    if (one.regex) try_expression("header " + one.name, one.value, wrong);
  for (const proxy::ValueMatch& one : match.query)
    if (one.regex) try_expression("query parameter " + one.name, one.value, wrong);
  return wrong;
}

}  // namespace tidegate::controlloop::translate
