#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/fields/meta.h"

namespace tidegate::controlloop::translate {

/// One address of the pool for each Gateway. It follows from the Gateway's name, so that it stays
/// when others come and go; of two with the same, the one that stands later in `gateways` gets the
/// next free one. `pool` is a CIDR; network and broadcast address are left out. Empty result: the
/// pool is malformed, or too small for all.
std::map<config::NamespacedName, std::string> assign_addresses(
    const std::string& pool, const std::vector<config::NamespacedName>& gateways);

}  // namespace tidegate::controlloop::translate
