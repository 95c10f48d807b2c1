#pragma once

#include <map>
#include <memory>
#include <vector>

#include "controlloop/translate/gateway.h"

namespace tidegate::controlloop::translate {

/// Listeners whose place another one has that comes before: the same port and hostname, or a
/// protocol that cannot share the port. Mapped to that one.
using Clashes = std::map<const ListenerState*, const ListenerState*>;
Clashes find_clashes(const std::vector<std::shared_ptr<GatewayState>>& gateways);

/// Puts each listener that is served into the snapshot: one proxy listener an address and port.
void place_listeners(std::vector<std::shared_ptr<GatewayState>>& gateways, const Options& options,
                     proxy::Snapshot& snapshot, Report& report);

}  // namespace tidegate::controlloop::translate
