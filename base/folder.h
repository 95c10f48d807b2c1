#pragma once

#include <dirent.h>

#include <memory>
#include <string>
#include <vector>

namespace tidegate {

struct FolderEntry {
  std::string name;
  unsigned char type;  // DT_REG and the like, of <dirent.h>; DT_UNKNOWN where only stat() tells
};

/// A folder that is open. std::filesystem's iterator ends the process where memory is short in the
/// middle; this throws std::bad_alloc.
class Folder {
 public:
  explicit Folder(const std::string& path);

  /// What is in it, but "." and "..", in no order, into `entries`; once. 0, or what errno says of
  /// this or of opening it.
  int list(std::vector<FolderEntry>& entries);
  /// For fstatat() and the like, which find a name in it sooner than a whole path; -1: none.
  int fd() const { return open_ ? ::dirfd(open_.get()) : -1; }

 private:
  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  std::unique_ptr<DIR, Close> open_;
  int why_ = 0;
};

}  // namespace tidegate
