#pragma once

#include <string>
#include <vector>

#include "config/object_set.h"
#include "controlloop/translate/named_files.h"

namespace tidegate::controlloop {

/// The paths of all files that objects name, each once: BackendConfigPolicy's spec.tls.files.
std::vector<std::string> named_files(const config::ObjectSet& objects);

/// Reads them: regular files of at most 1 MiB. Blocks on the file system.
translate::NamedFiles read_files(const std::vector<std::string>& paths);

}  // namespace tidegate::controlloop
