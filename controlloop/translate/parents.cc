#include "controlloop/translate/parents.h"

namespace tidegate::controlloop::translate {

namespace json = boost::json;

void ParentStatuses::add(const config::ParentRef& ref,
                         const std::vector<status::Condition>& conditions) {
  json::object parent;
  parent["group"] = ref.group;
  parent["kind"] = ref.kind;
  if (ref.namespace_) parent["namespace"] = *ref.namespace_;
  parent["name"] = ref.name;
  if (ref.section_name) parent["sectionName"] = *ref.section_name;
  if (ref.port) parent["port"] = *ref.port;
  json::object entry;
  entry["parentRef"] = std::move(parent);
  entry["controllerName"] = controller_;
  entry["conditions"] = status::to_json(conditions, generation_);
  parents_.push_back(std::move(entry));
}

json::object ParentStatuses::take() {
  json::object out;
  out["parents"] = std::move(parents_);
  return out;
}

}  // namespace tidegate::controlloop::translate
