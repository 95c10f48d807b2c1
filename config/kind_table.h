#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "config/fields/finding.h"
#include "config/fields/meta.h"
#include "config/fields/node.h"
#include "config/fields/schema.h"

namespace tidegate::config {

class ObjectSet;

/// What decoding one object gave. `typed` is always there; with an error among the findings it is
/// what could be read.
struct Decoded {
  Meta meta;  // without file; line is that of the document
  std::shared_ptr<const void> typed;
  std::vector<fields::Finding> findings;
};

/// One kind of object that we know.
struct Kind {
  std::string_view group;                  // empty: core
  std::vector<std::string_view> versions;  // all that are accepted, the preferred one first
  std::string_view kind;                   // "HTTPRoute"
  std::string_view plural;                 // "httproutes"
  std::string_view singular;
  std::vector<std::string_view> short_names;
  bool namespaced = true;
  Decoded (*decode)(const Kind& kind, const fields::Node& root) = nullptr;
  const fields::Schema& (*schema)() = nullptr;
  /// A copy of a decoded object with other metadata (file, line, generation, uid).
  std::shared_ptr<const void> (*with_meta)(const std::shared_ptr<const void>& typed,
                                           const Meta& meta) = nullptr;
  void (*file_under)(ObjectSet& set, const std::shared_ptr<const void>& typed,
                     bool valid) = nullptr;
};

/// Every kind, once. Lives as long as the program.
const std::vector<Kind>& kind_table();

/// nullptr where the kind is not known. The version is not looked at.
const Kind* find_kind(std::string_view group, std::string_view kind);

/// Whether objects of this API group are meant for us, so that an unknown kind in it deserves a
/// warning.
bool is_our_group(std::string_view group);

}  // namespace tidegate::config
