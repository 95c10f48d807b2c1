#pragma once

#include "proxy/net/socket.h"
#include "proxy/net/stream.h"

namespace tidegate::proxy::net {

/// Fills in the addresses of both ends.
void read_addresses(const Socket& socket, ConnectionFacts& facts);

}  // namespace tidegate::proxy::net
