#pragma once

#include <map>
#include <string>

#include "base/secret.h"

namespace tidegate::controlloop::translate {

/// A file of the proxy's machine that an object names.
struct NamedFile {
  Secret text;          // may be a key
  std::string problem;  // why it could not be read; empty: it was
  bool operator==(const NamedFile&) const = default;
};

/// What was read, by path: translation reads nothing itself.
using NamedFiles = std::map<std::string, NamedFile>;

}  // namespace tidegate::controlloop::translate
