#include "controlloop/status/report.h"

namespace tidegate::controlloop::status {

int Report::line(std::string_view kind, const config::Meta& meta, std::string_view path) const {
  const config::Object* object = objects_.object(kind, meta.namespace_, meta.name);
  return object == nullptr ? meta.line : object->line_of(path);
}

void Report::add(config::Severity severity, std::string_view kind, const config::Meta& meta,
                 std::string_view path, std::string message) {
  config::Problem problem;
  problem.severity = severity;
  problem.file = meta.file;
  problem.line = line(kind, meta, path);
  problem.kind = kind;
  problem.namespace_ = meta.namespace_;
  problem.name = meta.name;
  problem.message = std::move(message);
  if (known_.insert(config::to_string(problem)).second) problems_.push_back(std::move(problem));
}

void Report::error(std::string_view kind, const config::Meta& meta, std::string_view path,
                   std::string message) {
  add(config::Severity::kError, kind, meta, path, std::move(message));
}

void Report::warning(std::string_view kind, const config::Meta& meta, std::string_view path,
                     std::string message) {
  add(config::Severity::kWarning, kind, meta, path, std::move(message));
}

}  // namespace tidegate::controlloop::status
