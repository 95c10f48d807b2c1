#include "controlloop/translate/reference_grant.h"

#include <algorithm>

#include "config/kinds/gateway/reference_grant.h"

namespace tidegate::controlloop::translate {

bool permitted(const config::ObjectSet& objects, const Reference& reference) {
  if (reference.from_namespace == reference.to_namespace) return true;
  for (const auto& [key, grant] : objects.all<config::ReferenceGrant>()) {
    if (key.namespace_ != reference.to_namespace) continue;
    const bool from = std::any_of(grant->from.begin(), grant->from.end(), [&](const auto& one) {
      return one.group == reference.from_group && one.kind == reference.from_kind &&
             one.namespace_ == reference.from_namespace;
    });
    const bool to = std::any_of(grant->to.begin(), grant->to.end(), [&](const auto& one) {
      return one.group == reference.to_group && one.kind == reference.to_kind &&
             (!one.name || one.name->empty() || *one.name == reference.to_name);
    });
    if (from && to) return true;
  }
  return false;
}

}  // namespace tidegate::controlloop::translate
