#pragma once

#include "config/fields/meta.h"

namespace tidegate::controlloop::policy {

/// Annotation of a Gateway, ListenerSet or HTTPRoute: whose policies count first below it.
inline constexpr const char* kInheritedPriority = "kgateway.dev/inherited-policy-priority";

/// Whether what is attached to this object goes before what is attached further down; else it only
/// fills in what is not said there. Deep merging prefers the same side; fields that can be united
/// are. Source: kgateway guide about/policies/merging.
inline bool prefers_parent(const config::Meta& meta) {
  auto found = meta.annotations.find(kInheritedPriority);
  return found != meta.annotations.end() &&
         (found->second == "ShallowMergePreferParent" || found->second == "DeepMergePreferParent");
}

/// Whether the annotation's value, where there is one, is known.
inline bool priority_known(const config::Meta& meta) {
  auto found = meta.annotations.find(kInheritedPriority);
  return found == meta.annotations.end() || prefers_parent(meta) ||
         found->second == "ShallowMergePreferChild" || found->second == "DeepMergePreferChild";
}

}  // namespace tidegate::controlloop::policy
