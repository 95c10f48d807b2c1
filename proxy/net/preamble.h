#pragma once

#include <string>

#include "proxy/net/socket.h"
#include "proxy/net/stream.h"
#include "proxy/snapshot/cluster.h"

namespace tidegate::proxy::net {

/// The head that goes ahead of everything else on a connection and tells who the client is: its
/// address and the one that it has connected to. `client` null: the connection is our own.
/// Source: the PROXY protocol, sections 2.1 and 2.2.
std::string preamble(ProxyProtocol version, const ConnectionFacts* client);

/// Writes it to a connection that has just been made. False where the kernel does not take it.
bool write_preamble(const Socket& socket, ProxyProtocol version, const ConnectionFacts* client);

/// Has the kernel ask whether a silent peer is there.
void set_keepalive(const Socket& socket, const TcpKeepalive& keepalive);

/// The size of the kernel's buffers of a connection, each way. What the kernel refuses stays.
void set_buffers(const Socket& socket, std::uint32_t bytes);

}  // namespace tidegate::proxy::net
