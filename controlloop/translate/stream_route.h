#pragma once

#include "controlloop/translate/backend.h"
#include "controlloop/translate/route_parents.h"

namespace tidegate::controlloop::translate {

/// Attaches all TLSRoutes, TCPRoutes and UDPRoutes. A TCP or UDP listener serves the oldest route
/// that is attached to it; a TLS listener, for each SNI, the oldest one with the most specific
/// name. Source: Gateway API TLSRoute, TCPRoute, UDPRoute.
void translate_stream_routes(RouteContext& context, Backends& backends);

}  // namespace tidegate::controlloop::translate
