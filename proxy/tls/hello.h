#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "proxy/net/socket.h"
#include "proxy/runtime/buffers.h"
#include "proxy/tls/context.h"

namespace tidegate::proxy::tls {

/// OpenSSL's client hello callback of every server context: switches to the context for the SNI,
/// before anything else of the hello is looked at, so that resumption, ALPN and client certificates
/// follow the right one.
int on_client_hello(SSL* ssl, int* alert, void*);

/// What a handshake goes by: on_client_hello looks for a context, and leaves the name. A second
/// hello (RFC 8446 section 4.1.4) may name somebody else, and OpenSSL forgets the name of a resumed
/// TLS 1.2 session: what counts is the name that the context was chosen for.
struct ServerHello {
  const ServerContexts* contexts;
  std::string sni;  // lower case, without the root's dot; empty: none
};
/// Both outlive the handshake.
void attach(SSL* ssl, ServerHello& hello);

/// What the first bytes of a connection say, read without taking part in TLS. kMore: the
/// ClientHello is not whole yet. kMalformed: it is none.
struct PeekedHello {
  enum class State { kMore, kMalformed, kWhole };
  State state = State::kMalformed;
  std::string sni;  // lower case, without the root's dot; empty: none
};
PeekedHello read_hello(std::string_view bytes);

/// Waits for the ClientHello and leaves it in the socket, for whoever reads it: OpenSSL, or the
/// backend to which the connection is passed through. Errors: bad_message (it is none),
/// message_size, eof.
Task<Result<std::string>> peek_server_name(net::Socket& socket, BufferPool& buffers);

}  // namespace tidegate::proxy::tls
