#pragma once

#include "proxy/net/facts.h"
#include "proxy/net/socket.h"
#include "proxy/net/stream.h"

namespace tidegate::proxy::net {

/// TCP without TLS.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(Socket socket, const Accepted& accepted = {});
  /// For TLS that is passed through: what its ClientHello said.
  void set_sni(std::string sni) { facts_.sni = std::move(sni); }
  /// For who keeps no stream while the connection idles.
  Socket take_socket() { return std::move(socket_); }

  Task<Result<std::size_t>> read_some(std::span<char> into) override;
  Task<Result<std::size_t>> read_some(BufferPool& pool, BufferPool::Buffer& buffer) override;
  Task<error_code> wait_readable() override;
  Result<std::size_t> try_write(std::span<const boost::asio::const_buffer> pieces) override;
  Task<error_code> wait_writable() override;
  bool write_later(std::span<const boost::asio::const_buffer> pieces) override {
    return socket_.send_later(pieces);
  }
  bool settled() override { return !socket_.is_open() || socket_.settled(); }
  void last() override { last_ = true; }
  void shutdown_send() override { socket_.shutdown_send(); }
  void cancel() override { socket_.cancel(); }
  void cancel_read() override { socket_.cancel_read(); }
  void reset() override { socket_.reset(); }
  void close() override { socket_.close(); }
  bool is_open() const override { return socket_.is_open(); }
  bool peer_closed() override;
  bool quiet(bool look) override;

 private:
  std::optional<Result<std::size_t>> try_read(std::span<char> into);
  ssize_t peek();
  static bool would_wait();

  Socket socket_;
  bool last_ = false;
};

}  // namespace tidegate::proxy::net
