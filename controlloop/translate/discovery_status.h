#pragma once

#include "controlloop/status/status.h"
#include "proxy/snapshot/applied.h"

namespace tidegate::controlloop::translate {

/// Adds the condition EndpointsDiscovered to the Backends whose endpoints were asked for.
/// Source: kgateway Backend status (ec2).
void add_discoveries(const proxy::Applied& applied, status::Statuses& statuses);

}  // namespace tidegate::controlloop::translate
