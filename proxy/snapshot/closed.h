#pragma once

#include "proxy/snapshot/cluster.h"

namespace tidegate::proxy {

/// Leaves the cluster no way to any endpoint: the answer is 503. For one that would otherwise be
/// spoken to in another way than is wanted.
inline void close(Cluster& cluster) {
  cluster.endpoints.clear();
  cluster.failover.clear();
  cluster.dynamic.reset();
  cluster.ec2.reset();
}

}  // namespace tidegate::proxy
