#pragma once

#include <string_view>

#include "config/object_set.h"

namespace tidegate::controlloop::translate {

/// Who refers, and to what.
struct Reference {
  std::string_view from_group;
  std::string_view from_kind;
  std::string_view from_namespace;
  std::string_view to_group;
  std::string_view to_kind;
  std::string_view to_namespace;
  std::string_view to_name;
};

/// Within a namespace always; across namespaces where a ReferenceGrant beside the target says so.
/// Source: Gateway API ReferenceGrant (GEP-709).
bool permitted(const config::ObjectSet& objects, const Reference& reference);

}  // namespace tidegate::controlloop::translate
