#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

std::string_view value_of(std::string_view name, const proxy::Rule& rule) {
  while (name.starts_with(' ') || name.starts_with('\t')) name.remove_prefix(1);
  while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
  if (name == "route_name") return rule.origin.name;
  if (name == "route_namespace") return rule.origin.namespace_;
  return rule.name;  // rule_name: the field's pattern allows no other
}

/// Parts between dots that a rule without a name has left empty go, dots and all.
std::string without_empty_parts(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    if (dot > 0) {
      if (!out.empty()) out += '.';
      out += text.substr(0, dot);
    }
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return out;
}

}  // namespace

/// Source: kgateway TrafficPolicy.spec.statPrefix.
void apply_stat_prefix(const TrafficPolicy& policy, proxy::Rule& rule) {
  std::string made;
  std::string_view rest = *policy.stat_prefix;
  while (!rest.empty()) {
    const std::size_t open = std::min(rest.find("{{"), rest.size());
    made += rest.substr(0, open);
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const std::size_t close = rest.find("}}");
    if (close == rest.npos) break;  // the field's pattern does not allow it
    made += value_of(rest.substr(2, close - 2), rule);
    rest.remove_prefix(close + 2);
  }
  rule.stat_prefix = without_empty_parts(made);
}

}  // namespace tidegate::controlloop::policy
