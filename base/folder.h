#pragma once

#include <string>
#include <vector>

namespace tidegate {

struct FolderEntry {
  std::string name;
  unsigned char type;  // DT_REG and the like, of <dirent.h>; DT_UNKNOWN where only stat() tells
};

/// What is in a folder, but "." and "..", in no order, into `entries`; 0, or what errno says.
/// std::filesystem's iterator ends the process where memory is short in the middle; this throws
/// std::bad_alloc.
int list_folder(const std::string& path, std::vector<FolderEntry>& entries);

}  // namespace tidegate
