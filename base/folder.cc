#include "base/folder.h"

#include <dirent.h>

#include <cerrno>
#include <memory>
#include <string_view>

namespace tidegate {

int list_folder(const std::string& path, std::vector<FolderEntry>& entries) {
  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  const std::unique_ptr<DIR, Close> folder(::opendir(path.c_str()));
  if (!folder) return errno;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) return errno;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::string(name), entry->d_type});
  }
}

}  // namespace tidegate
