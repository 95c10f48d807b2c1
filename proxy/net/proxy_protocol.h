#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/task.h"
#include "proxy/net/socket.h"

namespace tidegate::proxy::net {

/// What a proxy in front says of the connection that it carries to us.
struct ProxyHeader {
  enum class State {
    kPartial,  // so far it may become one
    kAbsent,   // these are no header's first bytes
    kBad,      // it begins like one, and is none
    kWhole,
  };
  State state = State::kPartial;
  std::size_t size = 0;  // kWhole: bytes, to be taken off the connection
  /// kWhole: the client, and where it connected to; absent for a health check of the proxy's own
  /// (LOCAL, UNKNOWN), and for other families than IP over TCP.
  std::optional<boost::asio::ip::tcp::endpoint> source, destination;
};

/// Most bytes of a header that is taken: TLVs of version 2 included.
inline constexpr std::size_t kProxyHeaderMax = 4096;

/// Reads a header of version 1 or 2 from the first bytes of a connection.
/// Source: HAProxy, "The PROXY protocol", sections 2.1, 2.2.
ProxyHeader read_proxy_header(std::span<const char> bytes);

/// Waits for a header at the beginning of a connection and takes it off, and nothing behind it.
/// kAbsent and kBad take nothing. Errors: those of the socket; eof.
Task<Result<ProxyHeader>> take_proxy_header(Socket& socket);

}  // namespace tidegate::proxy::net
