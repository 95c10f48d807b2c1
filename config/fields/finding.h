#pragma once

#include <string>

namespace tidegate::config {

enum class Severity { kError, kWarning };

namespace fields {

/// What is wrong with a field. The message begins with the field's path, as an API server's does.
struct Finding {
  Severity severity = Severity::kError;
  int line = 0;  // from 1, of the document
  std::string message;
  bool operator==(const Finding&) const = default;
};

}  // namespace fields
}  // namespace tidegate::config
