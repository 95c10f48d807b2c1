#pragma once

namespace tidegate {

// Of the source that the program was built from; defined in the program alone (cmake/commit.cmake),
// so that a commit makes one file anew.
extern const char kCommit[];  // 40 hexadecimal digits; zeros where it is not known
extern const bool kModified;  // there were changes besides

}  // namespace tidegate
