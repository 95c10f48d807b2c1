#pragma once

#include <string>
#include <vector>

namespace tidegate::config::fields {

/// What a field does here, for the reference page.
enum class Effect { kWorks, kNoEffect, kRejected };

/// One row: a field of a kind, in the order of its description.
struct SchemaField {
  std::string path;  // "spec.listeners[].port"; "{}" stands for the values of a map
  std::string
      type;  // string, integer, number, boolean, object, array, map, duration, int-or-string, any
  bool required = false;
  std::string default_;  // as JSON; empty: none
  std::string limits;    // "1..65535", "at most 16 items", "one of A, B"
  std::string doc;
  Effect effect = Effect::kWorks;
  bool operator==(const SchemaField&) const = default;
};

struct Schema {
  std::vector<SchemaField> fields;
};

}  // namespace tidegate::config::fields
