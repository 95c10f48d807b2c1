#include "base/folder.h"

#include <cerrno>
#include <string_view>

namespace tidegate {

Folder::Folder(const std::string& path) : open_(::opendir(path.c_str())) {
  if (!open_) why_ = errno;
}

int Folder::list(std::vector<FolderEntry>& entries) {
  if (!open_) return why_;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(open_.get());
    if (entry == nullptr) return errno;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") entries.push_back({std::string(name), entry->d_type});
  }
}

}  // namespace tidegate
