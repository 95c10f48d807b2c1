#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tidegate::proxy {

/// What came of a listener of the snapshot when the workers tried to open it.
struct AppliedListener {
  std::string name;
  bool bound = false;
  std::string error;              // "Address already in use"; empty where bound
  bool address_unusable = false;  // one of its addresses is not this machine's
  bool operator==(const AppliedListener&) const = default;
};

/// What came of a published snapshot; the server tells it once all workers serve it, and again when
/// a retry of a bind succeeds.
struct Applied {
  std::uint64_t version = 0;
  std::vector<AppliedListener> listeners;
  bool operator==(const Applied&) const = default;
};

}  // namespace tidegate::proxy
