#include "controlloop/policy/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kind_table.h"

namespace tidegate::controlloop::policy {

namespace json = boost::json;

namespace {

std::string_view text_of(const json::object& object, const char* key) {
  const json::value* found = object.if_contains(key);
  return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

/// Calls `each` with the members of a list of the object's spec.
template <class Each>
void each_of(const config::Object& object, const char* list, Each each) {
  const json::object* root = object.raw ? object.raw->if_object() : nullptr;
  const json::value* spec = root ? root->if_contains("spec") : nullptr;
  const json::value* found =
      spec && spec->is_object() ? spec->get_object().if_contains(list) : nullptr;
  if (found == nullptr || !found->is_array()) return;
  for (const json::value& element : found->get_array()) {
    if (element.is_object()) each(element.get_object());
  }
}

}  // namespace

ListenerNames listeners_of(const config::Object& object, std::string_view section) {
  ListenerNames out;
  each_of(object, "listeners", [&](const json::object& one) {
    const std::string_view name = text_of(one, "name");
    if (!section.empty() && name != section) return;
    const std::string_view protocol = text_of(one, "protocol");
    const bool http = protocol == "HTTP" || protocol == "HTTPS";
    (http ? out.http : out.other).emplace_back(name);
  });
  return out;
}

bool has_section(const config::Object& object, std::string_view section) {
  bool found = false;
  for (const char* list : {"listeners", "rules", "ports"}) {
    each_of(object, list, [&](const json::object& one) {
      found = found || (!section.empty() && text_of(one, "name") == section);
    });
  }
  return found;
}

Attachments::Attachments(std::vector<PolicyObject> policies, const config::ObjectSet& objects,
                         const std::string& global_namespace, status::Report& report)
    : policies_(std::move(policies)), missing_(policies_.size()) {
  std::stable_sort(
      policies_.begin(), policies_.end(),
      [](const PolicyObject& a, const PolicyObject& b) { return config::older(*a.meta, *b.meta); });
  for (PolicyIndex i = 0; i < policies_.size(); ++i) {
    by_name_.emplace(policies_[i].meta->key(), i);
    attach(i, objects, global_namespace, report);
  }
}

void Attachments::attach(PolicyIndex policy, const config::ObjectSet& objects,
                         const std::string& global_namespace, status::Report& report) {
  const PolicyObject& from = policies_[policy];
  auto add = [&](Target target) {
    auto& there = by_target_[std::move(target)];
    if (there.empty() || there.back() != policy) there.push_back(policy);
  };
  auto miss = [&](const std::string& path, std::string message) {
    report.error(from.kind, *from.meta, path, message);
    if (missing_[policy].empty()) missing_[policy] = std::move(message);
  };
  for (std::size_t i = 0; i < from.refs.size(); ++i) {
    const config::PolicyTargetRef& ref = from.refs[i];
    const std::string path = fmt::format("spec.targetRefs[{}]", i);
    const config::Object* object = objects.object(ref.kind, from.meta->namespace_, ref.name);
    if (object == nullptr || object->kind->group != ref.group) {
      miss(path, fmt::format("its target, {} {}/{}, does not exist", ref.kind,
                             from.meta->namespace_, ref.name));
      continue;
    }
    if (ref.section_name && !has_section(*object, *ref.section_name)) {
      miss(path, fmt::format("its target, {} {}/{}, has no section {}", ref.kind,
                             from.meta->namespace_, ref.name, *ref.section_name));
      continue;
    }
    add({ref.group, ref.kind, object->meta.key(), ref.section_name.value_or("")});
  }
  const bool global = !global_namespace.empty() && from.meta->namespace_ == global_namespace;
  for (const TargetSelector& selector : from.selectors) {
    for (const auto& object : objects.objects()) {
      if (object->kind->kind != selector.kind || object->kind->group != selector.group) continue;
      if (!global && object->meta.namespace_ != from.meta->namespace_) continue;
      const auto& labels = object->meta.labels;
      const bool all = std::all_of(selector.match_labels.begin(), selector.match_labels.end(),
                                   [&labels](const auto& wanted) {
                                     auto found = labels.find(wanted.first);
                                     return found != labels.end() && found->second == wanted.second;
                                   });
      if (!all) continue;
      if (selector.section_name && !has_section(*object, *selector.section_name)) continue;
      add({selector.group, selector.kind, object->meta.key(), selector.section_name.value_or("")});
    }
  }
}

const std::vector<PolicyIndex>& Attachments::at(const Target& target) const {
  static const std::vector<PolicyIndex> none;
  auto found = by_target_.find(target);
  return found == by_target_.end() ? none : found->second;
}

std::optional<PolicyIndex> Attachments::find(const config::NamespacedName& name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tidegate::controlloop::policy
