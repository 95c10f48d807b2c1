#include "controlloop/policy/text.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "proxy/cel/expression.h"

namespace tidegate::controlloop::policy {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return text;
}

std::string regex_problem(const std::string& expression) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  const re2::RE2 compiled(expression, options);
  if (compiled.ok()) return {};
  return fmt::format("\"{}\" is no regular expression: {}", expression, compiled.error());
}

std::string cel_problem(const std::string& expression, std::string_view when) {
  const proxy::cel::Expression::Compiled compiled = proxy::cel::Expression::compile(expression);
  if (!compiled) return "no CEL expression: " + proxy::cel::describe(compiled.error());
  for (const proxy::cel::Attribute attribute : (*compiled)->attributes()) {
    if (!proxy::cel::known_on_request(attribute))
      return fmt::format("'{}' is not known {}", proxy::cel::name(attribute), when);
  }
  return {};
}

proxy::TextMatch text_match(const config::kgateway::StringMatcher& from, std::string& problem) {
  using Kind = proxy::TextMatch::Kind;
  proxy::TextMatch to;
  to.ignore_case = from.ignore_case;
  auto take = [&to](const std::optional<std::string>& value, Kind kind) {
    if (!value) return;
    to.kind = kind;
    to.value = *value;
  };
  take(from.exact, Kind::kExact);
  take(from.prefix, Kind::kPrefix);
  take(from.suffix, Kind::kSuffix);
  take(from.contains, Kind::kContains);
  take(from.safe_regex, Kind::kRegex);
  if (from.safe_regex) problem = regex_problem(*from.safe_regex);
  return to;
}

}  // namespace tidegate::controlloop::policy
