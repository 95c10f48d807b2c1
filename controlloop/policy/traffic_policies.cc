#include "controlloop/policy/traffic_policies.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/kind_table.h"
#include "controlloop/policy/priority.h"
#include "controlloop/policy/traffic_fields.h"

namespace tidegate::controlloop::policy {
namespace {

std::string text_at(const boost::json::object& object, std::string_view key) {
  const boost::json::value* found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

/// What an invalid policy may have been meant for, which it closes: as written, whatever the
/// mistake in it. A group that is not there is that of the kind; a section that is not there, the
/// whole.
std::vector<config::PolicyTargetRef> possible_refs(const config::ObjectSet& objects,
                                                   const TrafficPolicy& policy) {
  const config::Meta& meta = policy.meta;
  const config::Object* object = objects.object("TrafficPolicy", meta.namespace_, meta.name);
  const boost::json::object* root = object && object->raw ? object->raw->if_object() : nullptr;
  const boost::json::value* spec = root ? root->if_contains("spec") : nullptr;
  const boost::json::value* list =
      spec && spec->is_object() ? spec->get_object().if_contains("targetRefs") : nullptr;
  if (list == nullptr) return policy.target_refs;
  boost::json::array alone{*list};
  std::vector<config::PolicyTargetRef> out;
  for (const boost::json::value& one : list->is_array() ? list->get_array() : alone) {
    if (!one.is_object()) continue;
    config::PolicyTargetRef& ref = out.emplace_back();
    ref.kind = text_at(one.get_object(), "kind");
    ref.name = text_at(one.get_object(), "name");
    ref.group = text_at(one.get_object(), "group");
    const config::Object* target = objects.object(ref.kind, meta.namespace_, ref.name);
    if (target == nullptr) continue;  // attaching says so
    ref.group = target->kind->group;
    const std::string section = text_at(one.get_object(), "sectionName");
    if (has_section(*target, section)) ref.section_name = section;
  }
  return out;
}

std::vector<PolicyObject> policy_objects(const config::ObjectSet& objects) {
  std::vector<PolicyObject> out;
  auto add = [&](const config::Objects<TrafficPolicy>& all, bool valid) {
    for (const auto& [key, policy] : all) {
      PolicyObject& to = out.emplace_back();
      to.kind = "TrafficPolicy";
      to.meta = &policy->meta;
      to.refs = valid ? policy->target_refs : possible_refs(objects, *policy);
      for (const config::kgateway::TargetSelector& one : policy->target_selectors)
        to.selectors.push_back({one.group, one.kind, one.match_labels, one.section_name});
      to.valid = valid;
    }
  };
  add(objects.all<TrafficPolicy>(), true);
  add(objects.rejected<TrafficPolicy>(), false);
  return out;
}

/// A policy holds for HTTP. Who has it at a listener of streams may believe that it guards them.
void warn_of_streams(const PolicyObject& policy, bool guards, const config::ObjectSet& objects,
                     status::Report& report) {
  for (std::size_t i = 0; i < policy.refs.size(); ++i) {
    const config::PolicyTargetRef& ref = policy.refs[i];
    if (ref.kind != "Gateway" && ref.kind != "ListenerSet") continue;
    const config::Object* object = objects.object(ref.kind, policy.meta->namespace_, ref.name);
    if (object == nullptr) continue;
    const ListenerNames names = listeners_of(*object, ref.section_name.value_or(""));
    if (names.other.empty() || (!names.http.empty() && !guards)) continue;
    report.warning(policy.kind, *policy.meta, fmt::format("spec.targetRefs[{}]", i),
                   fmt::format("it holds for HTTP only, not for what comes by listener {}",
                               fmt::join(names.other, ", ")));
  }
}

Target target_of(const char* kind, const config::Meta& meta, std::string section = {}) {
  return {config::kGatewayGroup, kind, meta.key(), std::move(section)};
}

Position position_of(const proxy::Filter& filter) {
  if (std::holds_alternative<proxy::Cors>(filter)) return kAtCors;
  if (std::holds_alternative<proxy::ExternalAuth>(filter)) return kAtExtAuth;
  return kAtRouter;
}

/// Whether the rule itself says what the field does.
bool said_by_rule(const proxy::Rule& rule, std::string_view field) {
  return std::any_of(rule.filters.begin(), rule.filters.end(), [field](const auto& filter) {
    if (field == "cors") return std::holds_alternative<proxy::Cors>(filter);
    const auto* rewrite = std::get_if<proxy::UrlRewrite>(&filter);
    return field == "urlRewrite" && rewrite != nullptr && rewrite->path.has_value();
  });
}

/// Where a policy of a level is attached.
Level::Place place_of(PolicyIndex policy, const Level& level) {
  if (level.place != Level::Place::kGateway) return level.place;
  const auto end = level.policies.begin() + static_cast<std::ptrdiff_t>(level.of_listener);
  return std::find(level.policies.begin(), end, policy) == end ? Level::Place::kGateway
                                                               : Level::Place::kListener;
}

void append(std::vector<PolicyIndex>& to, const std::vector<PolicyIndex>& from) {
  for (const PolicyIndex one : from) {
    if (std::find(to.begin(), to.end(), one) == to.end()) to.push_back(one);
  }
}

}  // namespace

std::string display_name(const config::Meta& meta) { return meta.namespace_ + "/" + meta.name; }

bool operator<(const Position& a, const Position& b) {
  return std::tuple(a.stage, a.side, -a.weight, a.order) <
         std::tuple(b.stage, b.side, -b.weight, b.order);
}

TrafficPolicies::TrafficPolicies(const config::ObjectSet& objects,
                                 const std::string& global_namespace, References& references,
                                 proxy::Snapshot& snapshot, status::Report& report)
    : objects_(objects),
      references_(references),
      snapshot_(snapshot),
      report_(report),
      attachments_(policy_objects(objects), objects, global_namespace, report),
      statuses_(attachments_),
      given_(attachments_.policies().size()),
      compiled_(attachments_.policies().size()) {
  const std::vector<Field>& fields = traffic_fields();
  for (PolicyIndex i = 0; i < attachments_.policies().size(); ++i) {
    const PolicyObject& policy = attachments_.policies()[i];
    const auto& from =
        policy.valid ? objects.all<TrafficPolicy>() : objects.rejected<TrafficPolicy>();
    policies_.push_back(from.at(policy.meta->key()));
    for (std::size_t field = 0; field < fields.size(); ++field)
      given_[i].set(field, fields[field].given(*policies_.back()));
    warn_of_streams(policy, policies_.back()->acl.has_value(), objects, report);
  }
}

const TrafficPolicies::Compiled& TrafficPolicies::compiled(PolicyIndex index) {
  std::unique_ptr<Compiled>& out = compiled_[index];
  if (out) return *out;
  out = std::make_unique<Compiled>();
  const TrafficPolicy& policy = *policies_[index];
  const std::vector<Field>& fields = traffic_fields();
  out->filters.resize(fields.size());
  if (!attachments_.policies()[index].valid) return *out;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!given_[index].test(i)) continue;
    FieldContext context(objects_, references_, report_, policy.meta);
    if (fields[i].make != nullptr) {
      fields[i].make(policy, context);
    } else {
      context.error(fmt::format("spec.{}", fields[i].name),
                    fmt::format("{} is not supported: requests that the policy holds for are "
                                "answered with 500",
                                fields[i].name));
    }
    if (!context.failed().empty()) statuses_.invalid(index, context.failed());
    out->filters[i] = context.filters();
  }
  return *out;
}

std::string TrafficPolicies::invalid(const std::vector<Level>& levels) {
  for (const Level& level : levels) {
    for (const PolicyIndex policy : level.policies) {
      compiled(policy);
      if (!statuses_.is_valid(policy)) {
        return fmt::format("TrafficPolicy {} is not valid",
                           display_name(*attachments_.policies()[policy].meta));
      }
    }
  }
  return {};
}

/// What is attached to the listener, its ListenerSet and its Gateway.
const TrafficPolicies::Listener& TrafficPolicies::listener(const ListenerPlace& place) {
  const config::Meta* owner = place.listener_set ? place.listener_set : place.gateway;
  auto [known, is_new] = listeners_.try_emplace({owner, place.section});
  Listener& out = known->second;
  if (!is_new) return out;
  auto add = [&](const char* kind, const config::Meta& meta, bool has_section) {
    Level& level = out.levels.emplace_back();
    if (has_section) level.policies = attachments_.at(target_of(kind, meta, place.section));
    level.of_listener = level.policies.size();
    level.place = &meta == place.gateway ? Level::Place::kGateway : Level::Place::kListener;
    append(level.policies, attachments_.at(target_of(kind, meta)));
    level.prefers_parent = prefers_parent(meta);
  };
  if (place.listener_set) add("ListenerSet", *place.listener_set, true);
  add("Gateway", *place.gateway, !place.listener_set);
  const Choice choice = merge(out.levels, given_, traffic_fields().size());
  note(choice, out.levels, out.levels.size(), target_of("Gateway", *place.gateway));
  out.invalid = invalid(out.levels);
  if (out.invalid.empty()) out.alone = &chain(choice, out.levels);
  return out;
}

/// ExtensionRefs count first, then policies of the rule, then those of the whole route.
Level TrafficPolicies::route_level(const RulePlace& place, std::string& missing) const {
  Level out;
  std::vector<PolicyIndex> extensions;
  for (const std::string& name : place.extensions) {
    if (auto found = attachments_.find({place.route->namespace_, name})) {
      extensions.push_back(*found);
    } else {
      missing = fmt::format("TrafficPolicy {}/{} does not exist", place.route->namespace_, name);
    }
  }
  std::sort(extensions.begin(), extensions.end());  // the oldest first
  append(out.policies, extensions);
  if (!place.section.empty())
    append(out.policies, attachments_.at(target_of(place.kind, *place.route, place.section)));
  append(out.policies, attachments_.at(target_of(place.kind, *place.route)));
  out.prefers_parent = prefers_parent(*place.route);
  return out;
}

/// Says in the statuses of the policies of the first `count` levels what became of them.
void TrafficPolicies::note(const Choice& choice, const std::vector<Level>& levels,
                           std::size_t count, const Target& ancestor) {
  for (std::size_t i = 0; i < count; ++i) {
    for (const PolicyIndex policy : levels[i].policies) {
      std::size_t held = 0;
      bool others = false;
      for (const Chosen& one : choice) {
        if (one.policy == policy) ++held;
        others =
            others || (one.policy != Chosen::kNone && one.policy != policy && one.level < count);
      }
      const std::size_t given = given_[policy].count();
      Reach reach = Reach::kAttached;
      if (given > 0 && held == 0) {
        reach = Reach::kOverridden;
      } else if (others || held < given) {
        reach = Reach::kMerged;
      }
      statuses_.reach(policy, ancestor, reach);
    }
  }
}

void TrafficPolicies::add_field(std::size_t field, const Source& source, Chain& out,
                                std::vector<proxy::PolicyField>& named) {
  const Field& what = traffic_fields()[field];
  const std::vector<PolicyIndex>& from = source.policies;
  std::vector<std::string> names;
  for (const PolicyIndex policy : from) {
    const config::Meta& meta = policies_[policy]->meta;
    names.push_back(display_name(meta));
    named.push_back({what.name,
                     {"TrafficPolicy", meta.namespace_, meta.name, "", meta.file,
                      report_.line("TrafficPolicy", meta, fmt::format("spec.{}", what.name))}});
  }
  PlacedFilters filters;
  std::string base = fmt::format("TrafficPolicy/{}/{}", fmt::join(names, "+"), what.name);
  if (source.place != Level::Place::kRoute) {
    base += source.place == Level::Place::kGateway ? "@Gateway" : "@listener";
    FieldContext context(objects_, references_, report_, policies_[from.front()]->meta,
                         source.place);
    what.make(*policies_[from.front()], context);
    filters = context.filters();
  } else if (from.size() == 1) {
    filters = compiled(from.front()).filters[field];
  } else {
    std::vector<const TrafficPolicy*> all;
    for (const PolicyIndex policy : from) all.push_back(policies_[policy].get());
    FieldContext context(objects_, references_, report_, all.front()->meta);
    what.make(*what.unite(all), context);
    filters = context.filters();
  }
  for (std::size_t i = 0; i < filters.size(); ++i) {
    std::string name = i == 0 ? base : fmt::format("{}#{}", base, i + 1);
    snapshot_.shared_filters.try_emplace(name, filters[i].second);
    out.filters.push_back({filters[i].first, field, {std::move(name)}});
  }
  if (what.apply != nullptr) out.settings.emplace_back(what.apply, policies_[from.front()].get());
}

const TrafficPolicies::Chain& TrafficPolicies::chain(const Choice& choice,
                                                     const std::vector<Level>& levels) {
  const std::vector<Field>& fields = traffic_fields();
  std::vector<Source> key(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (choice[i].policy == Chosen::kNone) continue;
    key[i].policies = {choice[i].policy};
    if (fields[i].by_place) key[i].place = place_of(choice[i].policy, levels[choice[i].level]);
    if (fields[i].unite == nullptr) continue;
    std::vector<PolicyIndex> all;
    std::vector<const TrafficPolicy*> specs;
    for (const PolicyIndex policy : levels[choice[i].level].policies) {
      if (!given_[policy].test(i)) continue;
      all.push_back(policy);
      specs.push_back(policies_[policy].get());
    }
    if (all.size() > 1 && fields[i].unite(specs)) key[i].policies = std::move(all);
  }
  std::unique_ptr<Chain>& out = chains_[key];
  if (out) return *out;
  out = std::make_unique<Chain>();
  std::vector<proxy::PolicyField> named;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!key[i].policies.empty()) add_field(i, key[i], *out, named);
  }
  if (named.empty()) return *out;
  std::stable_sort(out->filters.begin(), out->filters.end(),
                   [](const auto& a, const auto& b) { return a.position < b.position; });
  std::vector<std::string> names;
  for (const proxy::PolicyField& one : named) {
    std::string name = one.policy.namespace_ + "/" + one.policy.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  const std::string base = fmt::format("{}", fmt::join(names, "+"));
  out->name = base;
  for (int i = 2; snapshot_.policies.contains(out->name); ++i)
    out->name = fmt::format("{}#{}", base, i);
  snapshot_.policies.emplace(out->name, std::move(named));
  return *out;
}

std::string TrafficPolicies::apply(const ListenerPlace& place, const std::vector<RulePlace>& steps,
                                   proxy::Rule& rule) {
  std::string missing;
  std::vector<Level> levels;
  bool any = false;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    levels.push_back(route_level(*step, missing));
    any = any || !levels.back().policies.empty();
  }
  if (!missing.empty()) return missing;
  if (!any && attachments_.policies().empty()) return {};
  const Listener& above = listener(place);
  const Chain* made = above.alone;
  std::string wrong = above.invalid;
  if (any) {
    const std::size_t own = levels.size();
    levels.insert(levels.end(), above.levels.begin(), above.levels.end());
    const Choice choice = merge(levels, given_, traffic_fields().size());
    note(choice, levels, own, target_of("Gateway", *place.gateway));
    if (wrong.empty()) wrong = invalid(levels);
    if (wrong.empty()) made = &chain(choice, levels);
  }
  if (!wrong.empty()) return wrong;
  if (made->name.empty()) return {};
  put(*made, rule);
  return {};
}

/// The policies' filters among those of the rule, each at its place.
void TrafficPolicies::put(const Chain& chain, proxy::Rule& rule) {
  rule.policy = chain.name;
  const bool forwards = std::holds_alternative<proxy::Forward>(rule.action);
  for (const auto& [apply, policy] : chain.settings) {
    if (forwards || apply == apply_tracing) apply(*policy, rule);
  }
  std::vector<std::pair<Position, proxy::Filter>> all;
  for (const Chain::Entry& entry : chain.filters) {
    if (!said_by_rule(rule, traffic_fields()[entry.field].name))
      all.emplace_back(entry.position, entry.filter);
  }
  for (proxy::Filter& filter : rule.filters) {
    const Position position = position_of(filter);
    all.emplace_back(position, std::move(filter));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  rule.filters.clear();
  for (auto& [position, filter] : all) rule.filters.push_back(std::move(filter));
}

void TrafficPolicies::statuses(const std::string& controller_name, status::Statuses& out) const {
  statuses_.write(controller_name, out);
}

}  // namespace tidegate::controlloop::policy
