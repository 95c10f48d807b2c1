#include "config/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "base/folder.h"
#include "config/assemble.h"

namespace tidegate::config {

namespace {

bool is_json(std::string_view path) { return path.ends_with(".json"); }
bool is_json_text(std::string_view text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != text.npos && (text[at] == '{' || text[at] == '[');
}
bool is_config(std::string_view name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

Problem file_problem(const std::string& path, int line, std::string message) {
  Problem problem;
  problem.file = path;
  problem.line = line;
  problem.message = std::move(message);
  return problem;
}

using Identity = std::pair<dev_t, ino_t>;

/// What tells that a file is still the one that was read.
struct Stamp {
  Identity identity;
  off_t size = 0;
  std::pair<time_t, long> modified;
  std::pair<time_t, long> changed;
  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const struct stat& s) {
  return {{s.st_dev, s.st_ino},
          s.st_size,
          {s.st_mtim.tv_sec, s.st_mtim.tv_nsec},
          {s.st_ctim.tv_sec, s.st_ctim.tv_nsec}};
}

/// Whether the reason may go away without anybody touching the file.
bool may_pass(int why) {
  return why != ENOENT && why != ELOOP && why != ENOTDIR && why != ENAMETOOLONG;
}

/// A file written within this time of being read may be written again within the same tick of the
/// file system's clock, so that its stamp proves nothing.
constexpr time_t kSettledSeconds = 2;

struct Found {
  std::string path;  // as shown
  Stamp stamp;
  std::string unreadable;  // why; empty: it can be read
};

/// Reads a file of about `size` bytes, and of at most one byte more than `bytes_max`; 0, or what
/// errno says. What is no regular file any more is not waited for. `last`: what is known of it
/// after that.
int read_regular(const std::string& path, std::size_t size, std::size_t bytes_max,
                 std::string& bytes, struct stat& last) {
  struct Opened {
    int fd;
    ~Opened() {
      if (fd >= 0) ::close(fd);
    }
  };
  const Opened file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct stat now = {};
  if (file.fd < 0 || ::fstat(file.fd, &now) != 0) return errno;
  if (!S_ISREG(now.st_mode)) return EAGAIN;
  std::size_t have = 0;
  while (have <= bytes_max) {
    // One byte more than there should be tells whether the file grew.
    if (have == bytes.size()) bytes.resize(std::min(std::max(size, 2 * have) + 1, bytes_max + 1));
    const ssize_t got = ::read(file.fd, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return ::fstat(file.fd, &last) == 0 ? 0 : errno;
}

/// Finds the files of the configuration.
class Walk {
 public:
  explicit Walk(const DirectoryLimits& limits) : limits_(limits) {}

  void root(const std::string& path) {
    struct stat s = {};
    if (::stat(path.c_str(), &s) != 0) {
      const int why = errno;
      again = again || may_pass(why);
      problems.push_back(file_problem(path, 0, std::strerror(why)));
      // No directory is no wish that nothing be served; a single file that is deleted is one.
      keep_below(path);
      if (why != ENOENT) kept.push_back({path});
    } else if (S_ISDIR(s.st_mode)) {
      folder(path, s, 0);
    } else {
      file(path, s);
    }
  }

  std::vector<Found> files;
  std::vector<Problem> problems;
  bool again = false;  // a reason that may pass

  /// What could not be looked at: files that were known stay as they were.
  struct Kept {
    std::string path;            // of a file; of a folder it ends with '/': all below
    bool only_if_there = false;  // not what was deleted meanwhile
    bool covers(const std::string& file) const {
      if (path.ends_with('/') ? !file.starts_with(path) : file != path) return false;
      struct stat ignored = {};
      return !only_if_there || ::stat(file.c_str(), &ignored) == 0;
    }
  };
  std::vector<Kept> kept;

 private:
  void keep_below(const std::string& folder, bool only_if_there = false) {
    kept.push_back({folder.ends_with('/') ? folder : folder + "/", only_if_there});
  }

  void folder(const std::string& path, const struct stat& s, std::size_t depth) {
    if (!visited_.insert({s.st_dev, s.st_ino}).second) return;
    if (depth > limits_.depth_max) {
      problems.push_back(file_problem(
          path, 0, fmt::format("folders are nested deeper than {}", limits_.depth_max)));
      return;
    }
    Folder open(path);
    std::vector<FolderEntry> entries;
    if (const int why = open.list(entries); why != 0) {
      // It was there a moment ago: it may have been deleted, or what it is in renamed. The next
      // time tells.
      again = again || why == ENOENT || may_pass(why);
      problems.push_back(file_problem(path, 0, std::strerror(why)));
      keep_below(path);
      return;
    }
    std::vector<std::string> names;
    for (FolderEntry& entry : entries)
      if (entry.name.front() != '.') names.push_back(std::move(entry.name));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      std::string below = path + (path.ends_with('/') ? "" : "/") + name;
      struct stat b = {};
      if (::fstatat(open.fd(), name.c_str(), &b, 0) != 0) {
        const int why = errno;
        struct stat link = {};
        const bool dangling = why == ENOENT &&
                              ::fstatat(open.fd(), name.c_str(), &link, AT_SYMLINK_NOFOLLOW) == 0 &&
                              S_ISLNK(link.st_mode);
        again = again || may_pass(why);
        if (is_config(name) && (dangling || why != ENOENT)) {
          files.push_back(
              {std::move(below), {}, dangling ? "a symbolic link to nothing" : std::strerror(why)});
        }
      } else if (S_ISDIR(b.st_mode)) {
        folder(below, b, depth + 1);
      } else if (is_config(name)) {
        file(std::move(below), b);
      }
      if (files.size() > limits_.files_max) {
        problems.push_back(
            file_problem(path, 0, fmt::format("more than {} files", limits_.files_max)));
        files.pop_back();
        keep_below(path, true);
        return;
      }
    }
  }
  void file(std::string path, const struct stat& s) {
    if (!visited_.insert({s.st_dev, s.st_ino}).second) return;
    files.push_back({std::move(path), stamp_of(s), S_ISREG(s.st_mode) ? "" : "not a regular file"});
  }

  const DirectoryLimits& limits_;
  std::set<Identity> visited_;
};

}  // namespace

struct Directory::State {
  struct Known {
    Stamp stamp;
    bool settled = false;  // the stamp proves that the file is unchanged
    bool was_good = false;
    SourceFile source;
  };

  State(std::vector<std::string> p, DirectoryLimits l)
      : paths(std::move(p)), limits(l), cache(l.yaml) {}

  std::vector<std::string> paths;
  DirectoryLimits limits;
  yaml::DocumentCache cache;
  std::map<std::string, Known> known;
  Assembler assembler;
  bool again = false;

  /// What was taken out of `known` for a load that could not be finished goes back, to be read
  /// anew.
  void put_back(std::map<std::string, Known>& taken) noexcept {
    known.merge(taken);
    for (auto& [path, file] : known) file.settled = false;
  }

  /// Takes the bytes of a file as its new state; where they do not parse, its last good documents
  /// stay.
  void take(Known& file, std::string_view bytes) {
    std::vector<PlacedDocument> documents;
    std::vector<Problem> problems;
    const std::string& path = file.source.path;
    std::vector<yaml::Piece> pieces;
    yaml::Syntax syntax = is_json(path) ? yaml::Syntax::kJson : yaml::Syntax::kYaml;
    if (syntax == yaml::Syntax::kJson && bytes.size() <= limits.yaml.file_bytes_max) {
      pieces.push_back({bytes, 1});
    } else if (is_json_text(bytes) && bytes.size() <= limits.yaml.file_bytes_max &&
               *cache.get(bytes, yaml::Syntax::kJson)) {
      // JSON is YAML too, but YAML holds back all that is in brackets.
      syntax = yaml::Syntax::kJson;
      pieces.push_back({bytes, 1});
    } else if (auto split = yaml::split(bytes, limits.yaml)) {
      pieces = std::move(*split.value);
    } else {
      problems.push_back(file_problem(path, split.problem.line, split.problem.message));
    }
    for (const yaml::Piece& piece : pieces) {
      yaml::DocumentCache::Entry parsed = cache.get(piece.bytes, syntax);
      const int before = piece.first_line - 1;
      if (!*parsed) {
        problems.push_back(
            file_problem(path, before + parsed->problem.line, parsed->problem.message));
      } else {
        documents.push_back({std::move(parsed), before});
      }
    }
    if (!problems.empty()) return keep(file, std::move(problems));
    file.was_good = true;
    file.source.state = ConfigFile::State::kGood;
    file.source.documents = std::move(documents);
    file.source.problems.clear();
  }
  static void keep(Known& file, std::vector<Problem> problems) {
    file.source.state = file.was_good ? ConfigFile::State::kLastGood : ConfigFile::State::kBad;
    if (file.was_good) problems.front().message += "; the last good objects of this file are kept";
    file.source.problems = std::move(problems);
  }

  /// Reads a file if it may have changed. False where it vanished meanwhile: it was deleted, or the
  /// directory renamed, which the next load tells.
  bool refresh(Known& file, const Found& found, std::size_t& bytes_left) {
    if (file.source.path.empty()) file.source.path = found.path;
    if (!found.unreadable.empty()) {
      file.settled = false;
      keep(file, {file_problem(found.path, 0, found.unreadable)});
      return true;
    }
    const auto size = static_cast<std::size_t>(found.stamp.size);
    if (size > limits.yaml.file_bytes_max) {  // not read: it takes nothing from the others
      file.settled = false;
      keep(file, {file_problem(found.path, 0,
                               fmt::format("the file has {} bytes, more than {}", size,
                                           limits.yaml.file_bytes_max))});
      return true;
    }
    if (size > bytes_left) {
      file.settled = false;
      keep(file, {file_problem(
                     found.path, 0,
                     fmt::format("all files together have more than {} bytes", limits.bytes_max))});
      return true;
    }
    bytes_left -= size;
    if (file.settled && file.stamp == found.stamp) return true;
    const time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    file.stamp = found.stamp;
    file.settled =
        std::max(found.stamp.modified.first, found.stamp.changed.first) + kSettledSeconds < now;
    std::string bytes;
    struct stat last = {};
    if (const int why = read_regular(found.path, size, limits.yaml.file_bytes_max, bytes, last)) {
      file.settled = false;
      again = true;
      if (why == ENOENT) return false;
      keep(file, {file_problem(found.path, 0, std::strerror(why))});
      return true;
    }
    // Somebody writes it at this moment: what was read may be half of it.
    const Stamp now_is = stamp_of(last);
    if (file.was_good &&
        (now_is.size != found.stamp.size || now_is.modified != found.stamp.modified)) {
      file.settled = false;
      again = true;
      return true;
    }
    if (bytes.size() > size) file.settled = false;
    // Whoever writes a file in place begins so, and may take a while.
    if (bytes.empty() && file.was_good && !file.source.documents.empty()) {
      keep(file,
           {file_problem(found.path, 0, "the file is empty (to remove its objects, delete it)")});
      return true;
    }
    take(file, bytes);
    return true;
  }
};

Directory::Directory(std::vector<std::string> paths, DirectoryLimits limits)
    : state_(std::make_unique<State>(std::move(paths), limits)) {}
Directory::~Directory() = default;
Directory::Directory(Directory&&) noexcept = default;
Directory& Directory::operator=(Directory&&) noexcept = default;

LoadResult Directory::load() {
  Walk walk(state_->limits);
  for (const std::string& path : state_->paths) walk.root(path);

  std::map<std::string, State::Known> known;
  state_->again = walk.again;
  try {
    std::size_t bytes_left = state_->limits.bytes_max;
    for (const Found& found : walk.files) {
      // Mostly they come in the order in which they are known.
      const auto first = state_->known.begin();
      auto before = first != state_->known.end() && first->first == found.path
                        ? state_->known.extract(first)
                        : state_->known.extract(found.path);
      if (before.empty()) {
        State::Known file;
        if (state_->refresh(file, found, bytes_left))
          known.emplace_hint(known.end(), found.path, std::move(file));
        continue;
      }
      auto place = known.insert(known.end(), std::move(before));
      state_->refresh(place->second, found, bytes_left);
    }
    for (const Walk::Kept& kept : walk.kept) {
      for (auto at = state_->known.begin(); at != state_->known.end();) {
        auto one = at++;
        if (!kept.covers(one->first)) continue;
        State::Known& file = one->second;
        file.settled = false;
        if (file.was_good) file.source.state = ConfigFile::State::kLastGood;
        known.insert(state_->known.extract(one));
      }
    }
  } catch (...) {
    state_->put_back(known);
    throw;
  }
  state_->known = std::move(known);

  std::vector<const SourceFile*> files;
  files.reserve(state_->known.size());
  for (const auto& [path, file] : state_->known) files.push_back(&file.source);
  LoadResult result = state_->assembler.assemble(files, std::move(walk.problems));
  result.again = state_->again;
  state_->cache.sweep();
  return result;
}

LoadResult load_text(std::string_view yaml, std::string file_name) {
  Directory::State state({}, {});
  Directory::State::Known file;
  file.source.path = std::move(file_name);
  state.take(file, yaml);
  return state.assembler.assemble({&file.source}, {});
}

}  // namespace tidegate::config
