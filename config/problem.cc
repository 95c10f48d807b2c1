#include "config/problem.h"

namespace tidegate::config {

std::string to_string(const Problem& problem) {
  std::string out = problem.file;
  if (problem.line > 0) out += ':' + std::to_string(problem.line);
  if (!out.empty()) out += ": ";
  if (!problem.kind.empty()) {
    out += problem.kind;
    if (!problem.name.empty()) {
      out += ' ';
      if (!problem.namespace_.empty()) out += problem.namespace_ + '/';
      out += problem.name;
    }
    out += ": ";
  }
  return out + problem.message;
}

}  // namespace tidegate::config
