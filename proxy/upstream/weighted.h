#pragma once

#include <span>

#include "proxy/runtime/loop.h"
#include "proxy/snapshot/route.h"

namespace tidegate::proxy::upstream {

/// One of `clusters` by its weight; null where none has any.
const WeightedCluster* pick(std::span<const WeightedCluster> clusters, Random& random);

}  // namespace tidegate::proxy::upstream
