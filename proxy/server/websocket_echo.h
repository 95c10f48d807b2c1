#pragma once

#include "base/task.h"
#include "proxy/http/stream.h"

namespace tidegate::proxy::server {

/// Accepts a WebSocket and sends every message back; answers pings and closes. Source: RFC 6455
/// sections 4.2.2, 5, 5.5.
Task<void> echo_websocket(http::ServerStream& stream);

}  // namespace tidegate::proxy::server
