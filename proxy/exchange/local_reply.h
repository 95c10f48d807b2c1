#pragma once

#include <string_view>

#include "proxy/http/stream.h"
#include "proxy/runtime/arena.h"

namespace tidegate::proxy::exchange {

/// An answer of our own: a short text that says why. gRPC calls would not understand it: they get a
/// trailers-only answer with grpc-status. Source: RFC 9110 section 15; gRPC over HTTP/2, "HTTP to
/// gRPC status mapping".
Task<error_code> reply(http::ServerStream& stream, http::ResponseHead& head, std::string_view text,
                       Arena& arena);

/// The text of a status that the proxy itself answers with.
std::string_view default_text(int status);

}  // namespace tidegate::proxy::exchange
