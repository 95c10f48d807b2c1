#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "base/result.h"

namespace tidegate::proxy::server {

/// A small backend for trying things out: HTTP/1.1, HTTP/2 with prior knowledge, and WebSocket, on
/// one port. It answers any request with a JSON description of what it received:
///   {"method", "path", "query", "host", "scheme", "version", "headers": {name: [values]}, "body",
///   "bodyBytes", "trailers",
///    "remote", "local"}
/// The query says otherwise: `status=503` is the answer's status, `delay=250` milliseconds pass
/// before it, `bytes=65536` asks for a body of that size instead. A WebSocket gets its messages
/// back.
class EchoServer {
 public:
  EchoServer();
  ~EchoServer();

  /// Opens the port; 0 asks for any. The result is the address that it has.
  Result<boost::asio::ip::tcp::endpoint> listen(const boost::asio::ip::tcp::endpoint& at);
  /// Serves on this thread until stop() is called, from any thread.
  void run();
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace tidegate::proxy::server
