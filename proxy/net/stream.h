#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "proxy/net/certificate_facts.h"
#include "proxy/runtime/buffers.h"
#include "proxy/runtime/timer_wheel.h"

namespace tidegate::proxy::net {

/// What is known of a connection besides its bytes. Filled once, when it is ready.
struct ConnectionFacts {
  boost::asio::ip::tcp::endpoint local;
  boost::asio::ip::tcp::endpoint remote;
  std::string remote_ip;  // printed once: goes into every X-Forwarded-For
  bool tls = false;
  std::string sni;          // lower case; empty: none
  std::string alpn;         // "h2", "http/1.1"; empty: none
  std::string tls_version;  // "TLSv1.3"
  std::string tls_cipher;
  bool tls_resumed = false;
  std::string tls_group;  // "X25519"; empty: not known
  std::uint64_t id = 0;   // of accepted connections, in the process; never 0 there
  /// Where a PROXY header named other ends: those of the socket.
  std::optional<boost::asio::ip::tcp::endpoint> direct_remote, direct_local;
  std::shared_ptr<const CertificateFacts> peer;  // null: it showed none
  bool peer_verified = false;                    // the peer's certificate is one that we trust
};

/// A connected stream of bytes, plain or TLS. One coroutine reads, one writes; both on the
/// connection's worker.
class Stream {
 public:
  virtual ~Stream() = default;

  /// At least one byte. Errors: asio::error::eof at an orderly end.
  virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;
  /// The same into the whole of `buffer`, which is taken from the pool, where there is none, once
  /// there is something to read.
  virtual Task<Result<std::size_t>> read_some(BufferPool& pool, BufferPool::Buffer& buffer) = 0;
  /// Returns once there is something to read (or the end, or an error); takes no buffer. For
  /// connections that idle.
  virtual Task<error_code> wait_readable() = 0;
  /// Writes what the kernel takes now, in one system call (plain): no waiting. 0 bytes: it takes
  /// nothing now.
  virtual Result<std::size_t> try_write(std::span<const boost::asio::const_buffer> pieces) = 0;
  virtual Task<error_code> wait_writable() = 0;
  /// Takes all of a small message, which goes out at the end of this turn with those of others. For
  /// who waits for an answer to it, or for the next request: who closes next, settle()s first.
  /// False: nothing was taken, write_all() it.
  virtual bool write_later(std::span<const boost::asio::const_buffer>) { return false; }
  /// Whether the kernel has taken all that was written later.
  virtual bool settled() { return true; }

  /// What is written next is the last, and shutdown_send() follows at once: it may go out with the
  /// FIN.
  virtual void last() {}
  /// No more bytes from us: FIN, or close_notify and FIN.
  virtual void shutdown_send() = 0;
  /// Ends the pending read or wait with operation_aborted; the connection stays open.
  virtual void cancel() = 0;
  /// The same, but whoever waits to write goes on waiting.
  virtual void cancel_read() = 0;
  /// Ends everything; idempotent.
  virtual void close() = 0;
  /// The same, so that the peer cannot take it for an orderly end: RST, and no close_notify.
  virtual void reset() = 0;
  virtual bool is_open() const = 0;
  /// Looks, without taking anything: true where the peer has closed or reset. Bytes waiting are not
  /// an end.
  virtual bool peer_closed() = 0;
  /// Whether the connection is open and nothing waits to be read, as it should be with one that
  /// rests in a pool: a byte that nobody asked for belongs to no answer. Costs nothing where the
  /// poller has reported nothing, unless `look`: then a system call tells what may not have been
  /// reported yet.
  virtual bool quiet(bool look) = 0;

  const ConnectionFacts& facts() const { return facts_; }

 protected:
  ConnectionFacts facts_;
};

/// What happens where the peer takes no byte for so long. Costs nothing while it takes them.
struct Stall {
  TimerWheel& wheel;
  Timer& timer;
  std::chrono::milliseconds after;  // 0: nothing happens
};

/// All of `pieces`, waiting where the kernel must. What is given lives until it returns.
Task<error_code> write_all(Stream& stream, std::span<const boost::asio::const_buffer> pieces,
                           Stall* stall = nullptr);
/// Until the kernel has taken all that was written later.
Task<error_code> settle(Stream& stream, Stall* stall = nullptr);

}  // namespace tidegate::proxy::net
