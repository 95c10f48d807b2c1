#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/net/facts.h"
#include "proxy/net/socket.h"
#include "proxy/net/stream.h"
#include "proxy/tls/context.h"
#include "proxy/tls/socket_bio.h"

namespace tidegate::proxy::tls {

/// TLS over TCP, either side of it.
class TlsStream final : public net::Stream {
 public:
  explicit TlsStream(net::Socket socket, const net::Accepted& accepted = {});
  ~TlsStream() override;

  /// The context follows from the client's SNI; refused with unrecognized_name where there is none
  /// for it.
  Task<error_code> handshake_server(const ServerContexts& contexts);
  /// `alpn`: the one protocol that is offered; empty: none. Errors: also a certificate without the
  /// name that is asked for (name_mismatch).
  Task<error_code> handshake_client(SSL_CTX& context, std::string_view alpn,
                                    const UpstreamTls& tls);

  /// The socket as it is, for who goes on without TLS after a handshake that failed.
  net::Socket take_socket() { return std::move(socket_); }
  /// Gives back the memory that only bytes on their way need, for a connection that idles. The
  /// socket to be waited for; null: something is there already.
  net::Socket* rest();

  Task<Result<std::size_t>> read_some(std::span<char> into) override;
  Task<Result<std::size_t>> read_some(BufferPool& pool, BufferPool::Buffer& buffer) override;
  Task<error_code> wait_readable() override;
  /// Small pieces go out in one record.
  Result<std::size_t> try_write(std::span<const boost::asio::const_buffer> pieces) override;
  Task<error_code> wait_writable() override;
  bool write_later(std::span<const boost::asio::const_buffer> pieces) override;
  bool settled() override { return !socket_.is_open() || socket_.settled(); }
  void shutdown_send() override;
  void cancel() override;
  void cancel_read() override { socket_.cancel_read(); }
  void reset() override { socket_.reset(); }
  void close() override;
  bool is_open() const override { return socket_.is_open(); }
  bool peer_closed() override;
  bool quiet(bool look) override;

 private:
  std::optional<Result<std::size_t>> try_read(std::span<char> into, int& wants);
  struct SslDeleter {
    void operator()(SSL* ssl) const;
  };
  bool attach_socket();
  int peek();
  Task<error_code> handshake();
  Task<error_code> wait_for(int reason);
  void fill_facts();

  net::Socket socket_;
  SocketBio bytes_{&socket_};
  std::unique_ptr<SSL, SslDeleter> ssl_;
  std::vector<char> record_;  // where small pieces are put together
  bool ready_ = false;        // the handshake is done
};

}  // namespace tidegate::proxy::tls
