#pragma once

#include <openssl/ssl.h>

#include <string>

#include "proxy/tls/context.h"

namespace tidegate::proxy::tls {

/// OpenSSL's client hello callback of every server context: switches to the context for the SNI,
/// before anything else of the hello is looked at, so that resumption, ALPN and client certificates
/// follow the right one.
int on_client_hello(SSL* ssl, int* alert, void*);

/// Where on_client_hello looks. `contexts` outlives the handshake.
void attach(SSL* ssl, const ServerContexts& contexts);

/// The SNI that the client sent, in lower case; empty: none. Valid after the hello.
std::string server_name(SSL* ssl);

}  // namespace tidegate::proxy::tls
