#pragma once

#include <string_view>

#include "base/cidr.h"
#include "proxy/http/message.h"
#include "proxy/net/stream.h"
#include "proxy/runtime/arena.h"
#include "proxy/snapshot/http_options.h"

namespace tidegate::proxy::exchange {

/// Who sent a request.
struct Client {
  std::string_view ip;    // a view into the head or the connection's facts
  bool internal = false;  // from within: a private address that no proxy has told of
};

/// Finds the client by the connection and X-Forwarded-For, as it was received. A list that does not
/// hold an address where one is looked for is not believed: then it is the connection's peer.
/// `trusted`: the ranges of HttpOptions::trusted_cidrs.
/// Source: Envoy, "x-forwarded-for"; kgateway, HTTPSettings.
Client find_client(const http::Fields& fields, const net::ConnectionFacts& facts,
                   const HttpOptions& options, const CidrTable& trusted);

/// Carries out what the options say of X-Forwarded-Client-Cert: nobody's is believed but that of
/// who shows a certificate. Source: Envoy, "x-forwarded-client-cert".
void forward_client_certificate(http::Fields& fields, const net::ConnectionFacts& facts,
                                const ClientCertForwarding& how, Arena& arena);

}  // namespace tidegate::proxy::exchange
