#include "controlloop/translate/delegation.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <set>

#include "controlloop/policy/text.h"
#include "controlloop/translate/matches.h"
#include "controlloop/translate/parents.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;
using Value = status::Condition::Value;

namespace {

constexpr const char* kLabelGroup = "delegation.kgateway.dev";
constexpr const char* kLabel = "delegation.kgateway.dev/label";
constexpr const char* kInheritMatcher = "delegation.kgateway.dev/inherit-parent-matcher";
constexpr const char* kAllNamespaces = "all";  // in the place of a label reference's namespace

bool is_label(const config::BackendRef& ref) {
  return ref.group == kLabelGroup && ref.kind == "label";
}

bool inherits_matcher(const config::HttpRoute& route) {
  auto found = route.meta.annotations.find(kInheritMatcher);
  if (found == route.meta.annotations.end()) return false;
  std::string value = found->second;
  for (char& c : value) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return value == "true" || value == "yes" || value == "enabled";
}

/// A child that names parents has no others.
bool takes_parent(const config::HttpRoute& child, const config::Meta& parent) {
  return child.parent_refs.empty() ||
         std::any_of(child.parent_refs.begin(), child.parent_refs.end(),
                     [&](const config::ParentRef& ref) {
                       return ref.group == config::kGatewayGroup && ref.kind == "HTTPRoute" &&
                              ref.name == parent.name &&
                              ref.namespace_.value_or(child.meta.namespace_) == parent.namespace_;
                     });
}

std::string_view without_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool path_within(const config::HttpPathMatch& parent, const config::HttpPathMatch& child) {
  const std::string_view prefix = without_slash(parent.value);
  if (prefix.empty()) return true;
  if (!std::string_view(child.value).starts_with(prefix)) return false;
  const std::string_view rest = std::string_view(child.value).substr(prefix.size());
  return rest.empty() || rest.front() == '/' ||
         child.type == config::PathMatchType::kRegularExpression;  // see PathMatch::below
}

config::HttpPathMatch joined(const config::HttpPathMatch& parent,
                             const config::HttpPathMatch& child) {
  const std::string prefix(without_slash(parent.value));
  config::HttpPathMatch out{child.type, {}};
  if (child.type == config::PathMatchType::kRegularExpression) {
    out.value = RE2::QuoteMeta(prefix) + (child.value.starts_with('/') ? "(?:" : "/(?:") +
                child.value + ")";
    return out;
  }
  out.value = prefix + (child.value.starts_with('/') ? "" : "/") + child.value;
  while (out.value.size() > 1 && out.value.ends_with('/')) out.value.pop_back();
  return out;
}

bool same_name(const std::string& a, const std::string& b, bool fold) {
  auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); };
  return fold ? std::equal(a.begin(), a.end(), b.begin(), b.end(),
                           [&](char x, char y) { return lower(x) == lower(y); })
              : a == b;
}

/// All of the parent's are among the child's.
bool includes(const std::vector<config::HttpValueMatch>& child,
              const std::vector<config::HttpValueMatch>& parent, bool fold) {
  return std::all_of(parent.begin(), parent.end(), [&](const config::HttpValueMatch& wanted) {
    return std::any_of(child.begin(), child.end(), [&](const config::HttpValueMatch& one) {
      return one.type == wanted.type && one.value == wanted.value &&
             same_name(one.name, wanted.name, fold);
    });
  });
}

/// The parent's, and those of the child that have other names.
std::vector<config::HttpValueMatch> united(const std::vector<config::HttpValueMatch>& parent,
                                           const std::vector<config::HttpValueMatch>& child,
                                           bool fold) {
  std::vector<config::HttpValueMatch> out = parent;
  for (const config::HttpValueMatch& one : child) {
    const bool known = std::any_of(
        parent.begin(), parent.end(),
        [&](const config::HttpValueMatch& other) { return same_name(one.name, other.name, fold); });
    if (!known) out.push_back(one);
  }
  return out;
}

}  // namespace

std::optional<config::HttpRouteMatch> within(const config::HttpRouteMatch& parent,
                                             const config::HttpRouteMatch& child, bool inherit) {
  if (parent.path.type != config::PathMatchType::kPathPrefix) return std::nullopt;
  config::HttpRouteMatch out = child;
  if (inherit) {
    out.path = joined(parent.path, child.path);
    out.headers = united(parent.headers, child.headers, true);
    out.query_params = united(parent.query_params, child.query_params, false);
    if (!parent.method.empty()) out.method = parent.method;
    return out;
  }
  const bool fits = path_within(parent.path, child.path) &&
                    includes(child.headers, parent.headers, true) &&
                    includes(child.query_params, parent.query_params, false) &&
                    (parent.method.empty() || parent.method == child.method);
  return fits ? std::optional(std::move(out)) : std::nullopt;
}

/// One attached route, while its tree is walked.
struct Delegation::Walk {
  std::vector<RuleStep> steps;  // down to the rule at hand, which is not among them
  std::vector<ServedRule> out;
  FindingsByRoute& findings;
  // Of the reference of the attached route at which the walk is.
  std::size_t visited = 0;
  std::size_t served = 0;

  bool too_many() const { return visited > kChildrenMax || served > kMatchesMax; }

  bool on_the_way(const config::HttpRoute& route) const {
    return std::any_of(steps.begin(), steps.end(), [&](const RuleStep& one) {
      return one.route->meta.key() == route.meta.key();
    });
  }
};

bool Delegation::is_delegate(const config::BackendRef& ref) {
  return (ref.group == config::kGatewayGroup && ref.kind == "HTTPRoute") || is_label(ref);
}

void Delegation::read_routes() {
  if (read_) return;
  read_ = true;
  std::vector<RoutePtr> all;
  for (const auto& [key, route] : objects_.all<config::HttpRoute>()) all.push_back(route);
  std::stable_sort(all.begin(), all.end(), [](const RoutePtr& a, const RoutePtr& b) {
    return config::older(a->meta, b->meta);
  });
  for (const RoutePtr& route : all) {
    by_namespace_[route->meta.namespace_].push_back(route);
    by_name_[route->meta.key()].push_back(route);
    auto label = route->meta.labels.find(kLabel);
    if (label == route->meta.labels.end()) continue;
    by_label_[label->second].push_back(route);
    by_namespace_and_label_[{route->meta.namespace_, label->second}].push_back(route);
  }
}

const std::vector<Delegation::RoutePtr>& Delegation::children(const std::string& own_namespace,
                                                              const config::BackendRef& ref) {
  static const std::vector<RoutePtr> none;
  read_routes();
  const std::string space = ref.namespace_.value_or(own_namespace);
  auto found_in = [](const auto& map, const auto& key) -> const std::vector<RoutePtr>& {
    auto found = map.find(key);
    return found == map.end() ? none : found->second;
  };
  if (is_label(ref)) {
    return space == kAllNamespaces ? found_in(by_label_, ref.name)
                                   : found_in(by_namespace_and_label_, std::pair(space, ref.name));
  }
  if (ref.name == "*") return found_in(by_namespace_, space);
  return found_in(by_name_, config::NamespacedName{space, ref.name});
}

std::vector<ServedRule> Delegation::serve(const RoutePtr& root,
                                          const std::vector<std::vector<RankedMatch>>& matches,
                                          bool delegates, FindingsByRoute& findings) {
  Walk walk{{}, {}, findings};
  for (std::size_t i = 0; i < root->rules.size(); ++i) {
    const auto& refs = root->rules[i].backend_refs;
    if (!delegates || std::none_of(refs.begin(), refs.end(), is_delegate)) {
      walk.out.push_back({{{root, i}}, matches[i], {}});
      continue;
    }
    for (const config::HttpRouteMatch& match : root->rules[i].matches)
      one_rule(walk, {root, i}, match, {});
  }
  return std::move(walk.out);
}

/// One match of one rule: served itself, or by the children that it names, or by both.
void Delegation::one_rule(Walk& walk, const RuleStep& step, const config::HttpRouteMatch& match,
                          std::string_view below) {
  const auto& refs = step.spec().backend_refs;
  auto serve = [&](std::string replaced) {
    ++walk.served;
    RankedMatch served = http_match(match);
    if (served.match.path.kind == proxy::PathMatch::Kind::kRegex) served.match.path.below = below;
    // The matches of one rule stay together.
    if (!walk.out.empty() && walk.out.back().replaced == replaced &&
        walk.out.back().steps.size() == walk.steps.size() + 1 &&
        walk.out.back().own().route == step.route && walk.out.back().own().rule == step.rule &&
        std::equal(walk.steps.begin(), walk.steps.end(), walk.out.back().steps.begin(),
                   [](const RuleStep& a, const RuleStep& b) {
                     return a.route == b.route && a.rule == b.rule;
                   })) {
      walk.out.back().matches.push_back(std::move(served));
      return;
    }
    ServedRule& out = walk.out.emplace_back();
    out.steps = walk.steps;
    out.steps.push_back(step);
    out.matches.push_back(std::move(served));
    out.replaced = std::move(replaced);
  };
  std::string replaced;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    if (!is_delegate(refs[i])) continue;
    const std::string path = fmt::format("spec.rules[{}].backendRefs[{}]", step.rule, i);
    std::string failed = delegate(walk, step, match, refs[i], path);
    if (replaced.empty()) replaced = std::move(failed);
  }
  const bool backends = refs.empty() || !std::all_of(refs.begin(), refs.end(), is_delegate);
  if (backends || !replaced.empty()) serve(std::move(replaced));
}

/// Why nobody was found to serve the match; empty: somebody does.
std::string Delegation::delegate(Walk& walk, const RuleStep& step,
                                 const config::HttpRouteMatch& match, const config::BackendRef& ref,
                                 const std::string& path) {
  const config::Meta& meta = step.route->meta;
  auto refuse = [&](const char* reason, std::string message) {
    report_.error("HTTPRoute", meta, path, message + ": requests for it are answered with 500");
    walk.findings[meta.key()].add_unresolved(reason, message);
    return message;
  };
  if (match.path.type != config::PathMatchType::kPathPrefix)
    return refuse("UnsupportedValue", "only a rule with a path prefix can delegate to a route");
  if (walk.steps.empty()) walk.visited = walk.served = 0;
  walk.steps.push_back(step);
  const std::size_t before = walk.out.size();
  bool cyclic = false;
  for (const RoutePtr& child : children(meta.namespace_, ref)) {
    if (!takes_parent(*child, meta)) continue;
    if (walk.on_the_way(*child)) {
      cyclic = true;
      continue;
    }
    ++walk.visited;
    if (walk.too_many() || walk.steps.size() > kDepthMax) break;
    Adopted& adopted = adopted_[child->meta.key()][meta.key()];
    if (child_rules(walk, child, match, adopted)) adopted.served = true;
  }
  walk.steps.pop_back();
  const std::string target = fmt::format("{} {}/{}", is_label(ref) ? "label" : "HTTPRoute",
                                         ref.namespace_.value_or(meta.namespace_), ref.name);
  if (walk.steps.size() >= kDepthMax) {
    return refuse("RefNotPermitted",
                  fmt::format("routes delegate over more than {} levels", kDepthMax));
  }
  if (walk.too_many()) {
    return refuse("RefNotPermitted", fmt::format("{} leads to more than {} routes or {} matches",
                                                 target, kChildrenMax, kMatchesMax));
  }
  if (walk.out.size() > before) return {};
  if (cyclic) {
    return refuse("RefNotPermitted",
                  target + ": a route cannot be delegated to itself, nor by way of others");
  }
  return refuse("BackendNotFound",
                target + ": no route takes this one as its parent and has a match within its own");
}

/// Whether any of the child's rules is served under the parent's match.
bool Delegation::child_rules(Walk& walk, const RoutePtr& child, const config::HttpRouteMatch& match,
                             Adopted& adopted) {
  const bool inherit = inherits_matcher(*child);
  const std::size_t before = walk.out.size();
  for (std::size_t i = 0; i < child->rules.size(); ++i) {
    for (const config::HttpRouteMatch& own : child->rules[i].matches) {
      std::optional<config::HttpRouteMatch> both = within(match, own, inherit);
      if (!both) continue;
      if (!child->hostnames.empty()) {
        adopted.refused = "spec.hostnames must be empty: its host names are those of its parent";
        report_.error("HTTPRoute", child->meta, "spec.hostnames", adopted.refused);
        return false;
      }
      if (own.path.type == config::PathMatchType::kRegularExpression) {
        if (const std::string wrong = policy::regex_problem(own.path.value); !wrong.empty()) {
          report_.error("HTTPRoute", child->meta, fmt::format("spec.rules[{}].matches", i), wrong);
          continue;
        }
      }
      one_rule(walk, {child, i}, *both, without_slash(match.path.value));
      if (walk.too_many()) return walk.out.size() > before;
    }
  }
  return walk.out.size() > before;
}

void Delegation::statuses(const std::string& controller_name, const FindingsByRoute& findings,
                          status::Statuses& out) const {
  for (const auto& [child, parents] : adopted_) {
    const config::HttpRoute* route = objects_.find<config::HttpRoute>(child.namespace_, child.name);
    if (route == nullptr) continue;
    ParentStatuses entries(controller_name, route->meta.generation);
    for (const auto& [parent, adopted] : parents) {
      std::vector<status::Condition> conditions;
      if (adopted.served) {
        status::set(conditions, "Accepted", Value::kTrue, "Accepted", "");
      } else if (!adopted.refused.empty()) {
        status::set(conditions, "Accepted", Value::kFalse, "UnsupportedValue", adopted.refused);
      } else if (!route->parent_refs.empty()) {
        status::set(conditions, "Accepted", Value::kFalse, "NoMatchingParent",
                    "no match lies within one of the parent's that delegates to it");
      } else {
        continue;  // a wildcard found it, and it says nothing of this parent
      }
      auto found = findings.find(child);
      add_findings(conditions, found == findings.end() ? RouteFindings{} : found->second);
      config::ParentRef ref;
      ref.kind = "HTTPRoute";
      ref.namespace_ = parent.namespace_;
      ref.name = parent.name;
      entries.add(ref, conditions);
    }
    json::object fresh = entries.take();
    json::array& added = fresh["parents"].get_array();
    if (added.empty()) continue;
    status::Status& status = out[{"HTTPRoute", child.namespace_, child.name}];
    json::object said = *status;
    json::value& all = said.emplace("parents", json::array{}).first->value();
    for (json::value& entry : added) all.get_array().push_back(std::move(entry));
    status = std::move(said);
  }
}

}  // namespace tidegate::controlloop::translate
