#pragma once

#include <string_view>

#include "proxy/exchange/client.h"
#include "proxy/http/message.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/loop.h"

namespace tidegate::proxy::exchange {

/// What the proxy itself adds to a forwarded request: X-Forwarded-For (appended to),
/// X-Forwarded-Proto (replaced: it says how the request came to us), X-Request-Id (kept where there
/// is one). A client's X-Forwarded-Client-Cert goes: it would tell the backend of a certificate
/// that nobody has seen (Envoy's SANITIZE). `options`, where a policy says otherwise; then `client`
/// is whom find_client() has found. Null: as usual.
void add_forwarding_fields(http::RequestHead& request, const net::ConnectionFacts& facts,
                           const HttpOptions* options, const Client* client, Random& random,
                           Arena& arena);

/// Host becomes the name of the endpoint that was picked, where it has one and not just an address.
/// The name outlives the request. Source: kgateway TrafficPolicy.spec.autoHostRewrite.
void rewrite_host(http::RequestHead& request, std::string_view hostname);

/// Whether a trailer may be passed on: it is none that a recipient which takes it for a field of
/// the head could be deceived by. That is what RFC 9110 section 6.5.1 excludes (routing,
/// authentication, conditions, control, content), what the gateway vouches for, and of a request
/// (`head` is not null) what its head has, as policies may have set it.
bool may_trail(std::string_view name, const http::Fields* head);

/// A random UUID (RFC 9562, version 4), 36 characters.
std::string_view request_id(Random& random, Arena& arena);

}  // namespace tidegate::proxy::exchange
