#pragma once

#include "proxy/http/message.h"
#include "proxy/runtime/arena.h"
#include "proxy/snapshot/filters.h"

/// Cross-origin resource sharing. Source: Fetch standard, "HTTP CORS protocol"; GEP-1767.
namespace tidegate::proxy::filters {

/// OPTIONS with Origin and Access-Control-Request-Method.
bool is_preflight(const http::RequestHead& request);
/// The fields of a preflight's answer; none where the origin is not allowed.
void answer_preflight(const Cors& cors, const http::RequestHead& request, http::ResponseHead& head,
                      Arena& arena);
/// What an actual response gets: the backend's own CORS fields are replaced.
void add_cors_fields(const Cors& cors, const http::RequestHead& request, http::ResponseHead& head,
                     Arena& arena);

}  // namespace tidegate::proxy::filters
