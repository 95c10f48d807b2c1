#pragma once

#include "proxy/exchange/exchange.h"
#include "proxy/snapshot/filters.h"

namespace tidegate::proxy::exchange {

/// Sends a copy of a request to the mirror's cluster, beside the exchange; its answer is read and
/// thrown away. Only a body that is here whole is mirrored: a longer one is counted as abandoned,
/// since the copy must not hold up the request.
void mirror(const Context& context, const RequestMirror& mirror, const http::RequestHead& request,
            http::Chunk body);

}  // namespace tidegate::proxy::exchange
