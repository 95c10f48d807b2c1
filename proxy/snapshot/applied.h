#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proxy/snapshot/origin.h"

namespace tidegate::proxy {

/// What came of a listener of the snapshot when the workers tried to open it.
struct AppliedListener {
  std::string name;
  bool bound = false;
  std::string error;              // "Address already in use"; empty where bound
  bool address_unusable = false;  // one of its addresses is not this machine's
  bool operator==(const AppliedListener&) const = default;
};

/// What came of asking for the endpoints of a cluster (Cluster::ec2), the last time.
struct AppliedDiscovery {
  enum class Outcome {
    kFound,
    kNothing,        // there are none now
    kNoCredentials,  // the question could not be signed
    kNotAllowed,     // who asks may not
    kFailed,
  };
  std::string cluster;
  Origin origin;  // of the cluster
  Outcome outcome = Outcome::kFound;
  std::size_t endpoints = 0;  // in use; after a failure those of before
  std::string problem;        // empty: none
  bool operator==(const AppliedDiscovery&) const = default;
};

/// What came of a published snapshot; the server tells it once all workers serve it, and again when
/// a retry of a bind succeeds or a discovery ends otherwise than before.
struct Applied {
  std::uint64_t version = 0;
  std::vector<AppliedListener> listeners;
  std::vector<AppliedDiscovery> discoveries;  // those that have been answered
  bool operator==(const Applied&) const = default;
};

}  // namespace tidegate::proxy
