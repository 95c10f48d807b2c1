#pragma once

#include <string>

#include "config/fields/finding.h"

namespace tidegate::config {

/// What is wrong with the configuration, and where. Kind and name are empty where no object is
/// concerned.
struct Problem {
  Severity severity = Severity::kError;
  std::string file;
  int line = 0;  // from 1; 0: the whole file
  std::string kind;
  std::string namespace_;  // empty: cluster-scoped
  std::string name;
  std::string message;
  bool operator==(const Problem&) const = default;
};

/// "FILE:LINE: Kind namespace/name: message"; parts that are not known are left out.
/// Source: INTERFACE.md, `validate`.
std::string to_string(const Problem& problem);

}  // namespace tidegate::config
