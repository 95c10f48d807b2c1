#pragma once

#include "proxy/net/stream.h"

namespace tidegate::proxy::net {

/// TCP without TLS.
class PlainStream final : public Stream {
 public:
  /// `socket` is connected; it is made non-blocking and TCP_NODELAY is set.
  explicit PlainStream(Socket socket);

  Task<Result<std::size_t>> read_some(std::span<char> into) override;
  Task<error_code> wait_readable() override;
  Result<std::size_t> try_write(std::span<const boost::asio::const_buffer> pieces) override;
  Task<error_code> wait_writable() override;
  void shutdown_send() override;
  void cancel() override;
  void close() override;
  bool is_open() const override { return socket_.is_open(); }
  bool peer_closed() override;

  Socket& socket() { return socket_; }

 private:
  Socket socket_;
};

}  // namespace tidegate::proxy::net
