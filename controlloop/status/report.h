#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/object_set.h"
#include "config/problem.h"

namespace tidegate::controlloop::status {

/// Collects problems, each at the line of the field that it is about.
class Report {
 public:
  Report(const config::ObjectSet& objects, std::vector<config::Problem>& problems)
      : objects_(objects), problems_(problems) {}

  /// `path` is e.g. "spec.rules[0].backendRefs[1]"; `kind` of Gateway API.
  void error(std::string_view kind, const config::Meta& meta, std::string_view path,
             std::string message);
  void warning(std::string_view kind, const config::Meta& meta, std::string_view path,
               std::string message);

  /// Where an object's field stands; 0 where the object was not read from a file.
  int line(std::string_view kind, const config::Meta& meta, std::string_view path) const;

 private:
  void add(config::Severity severity, std::string_view kind, const config::Meta& meta,
           std::string_view path, std::string message);

  const config::ObjectSet& objects_;
  std::vector<config::Problem>& problems_;
  std::set<std::string> known_;
};

}  // namespace tidegate::controlloop::status
