#pragma once

#include <string>
#include <string_view>

namespace tidegate::proxy::http2 {

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key: what a client of HTTP/1 checks, and HTTP/2 does
/// not have. Source: RFC 6455 section 4.2.2; RFC 8441 section 5.
std::string websocket_accept(std::string_view key);

}  // namespace tidegate::proxy::http2
