#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/object_set.h"
#include "config/problem.h"
#include "config/yaml/document.h"

namespace tidegate::config {

/// What reading the configuration may cost.
struct DirectoryLimits {
  yaml::Budgets yaml;
  std::size_t files_max = 50'000;
  std::size_t bytes_max = 512U << 20U;  // all files together
  std::size_t depth_max = 32;           // folders in folders
};

/// One file of the configuration, for /configfiles.
struct ConfigFile {
  enum class State {
    kGood,      // parsed; its objects may still have problems of their own
    kLastGood,  // does not parse or cannot be read: the objects of its last good state are kept
    kBad,       // the same, and there never was a good state
  };
  std::string path;
  State state = State::kGood;
  std::size_t objects = 0;  // in the object set
  std::size_t ignored = 0;  // of kinds that are not ours
  std::vector<Problem> problems;
};

struct LoadResult {
  std::shared_ptr<const ObjectSet> objects;  // never null
  std::vector<Problem> problems;             // of all files, in order of path and line
  std::vector<ConfigFile> files;             // in order of path
  bool changed = true;  // false: objects and problems equal those of the load before
  bool again = false;   // something could not be read for a reason that may pass by itself
};

/// The objects of one text, as if it were the only file of a directory: for tests.
LoadResult load_text(std::string_view yaml, std::string file_name = "config.yaml");

/// The configuration: the files below some directories. Not thread safe; load() blocks on the file
/// system. Semantics: INTERFACE.md, "Directory semantics". Names that begin with "." are skipped,
/// symbolic links are followed (each folder and file is read once), of two objects with the same
/// name the first in order of path is kept.
class Directory {
 public:
  /// Each path is a directory or a single file; a single file is read whatever its name.
  explicit Directory(std::vector<std::string> paths, DirectoryLimits limits = {});
  ~Directory();
  Directory(Directory&&) noexcept;
  Directory& operator=(Directory&&) noexcept;

  /// Reads what changed since the last call. Never fails: what is wrong is among the problems.
  LoadResult load();

 private:
  friend LoadResult load_text(std::string_view yaml, std::string file_name);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidegate::config
