#include "controlloop/policy/target.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kind_table.h"

namespace tidegate::controlloop::policy {

namespace json = boost::json;

bool has_section(const config::Object& object, std::string_view section) {
  const json::object* root = object.raw ? object.raw->if_object() : nullptr;
  const json::value* spec = root ? root->if_contains("spec") : nullptr;
  const json::object* fields = spec ? spec->if_object() : nullptr;
  if (fields == nullptr) return false;
  for (const char* list : {"listeners", "rules", "ports"}) {
    const json::value* found = fields->if_contains(list);
    if (found == nullptr || !found->is_array()) continue;
    for (const json::value& element : found->get_array()) {
      const json::object* one = element.if_object();
      const json::value* name = one ? one->if_contains("name") : nullptr;
      if (name != nullptr && name->is_string() &&
          std::string_view(name->get_string().data(), name->get_string().size()) == section)
        return true;
    }
  }
  return false;
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
