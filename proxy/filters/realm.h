#pragma once

#include <string_view>

#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"

namespace tidegate::proxy::filters {

/// A challenge's realm as Envoy has it: `SCHEME realm="URL of the request"`, the path up to 256
/// bytes. Quotes and backslashes, which a request target may hold, cannot end the quoted text.
std::string_view challenge(std::string_view scheme, const http::RequestHead& request, Arena& arena);

}  // namespace tidegate::proxy::filters
