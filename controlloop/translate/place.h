#pragma once

#include <memory>
#include <vector>

#include "controlloop/translate/gateway.h"

namespace tidegate::controlloop::translate {

/// Puts each listener that is served into the snapshot: one proxy listener an address and port.
void place_listeners(std::vector<std::shared_ptr<GatewayState>>& gateways, const Options& options,
                     proxy::Snapshot& snapshot, Report& report);

}  // namespace tidegate::controlloop::translate
