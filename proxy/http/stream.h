#pragma once

#include <chrono>

#include "proxy/http/body.h"
#include "proxy/http/message.h"

namespace tidegate::proxy {
class Timer;
}
namespace tidegate::proxy::net {
class Stream;
}

namespace tidegate::proxy::http {

/// What both directions share: how a message is sent. `first` is the first of its body, sent in the
/// same write as the head; `first.end` says that the message ends with it. Framing follows from
/// head.body and the peer's version. All return once the bytes are with the kernel, or in the
/// connection's bounded output: back pressure. After a head with `upgrade` (101, or 200 to an
/// extended CONNECT) the chunks are the raw bytes of the other protocol.

/// The client's side of an exchange: one request, and the way of its answer.
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  virtual RequestHead& request() = 0;
  /// Sends "100 Continue" first where the client waits for it, at the first read.
  virtual BodySource& request_body() = 0;

  /// 1xx but 101: may be sent several times before the head.
  virtual Task<error_code> send_informational(const ResponseHead& head) = 0;
  virtual Task<error_code> send_head(const ResponseHead& head, Chunk first) = 0;
  virtual Task<error_code> send_body(Chunk chunk) = 0;
  /// Ends the message (instead of a chunk with `end`).
  virtual Task<error_code> send_trailers(const Fields& trailers) = 0;
  /// Breaks the message off: HTTP/1 closes the connection, HTTP/2 resets the stream.
  virtual void abort() = 0;

  /// Calls `gone` once if the client leaves (connection closed, stream reset) while the exchange
  /// waits for somebody else. Costs nothing until armed; nullptr disarms. The watcher lives as long
  /// as it is armed.
  class Watcher {
   public:
    virtual void client_gone() = 0;

   protected:
    ~Watcher() = default;
  };
  virtual void watch_client(Watcher* watcher) = 0;

  /// How long nothing of this message's bodies may move, in place of what the listener says; 0: for
  /// ever.
  virtual void let_pause(std::chrono::milliseconds most) = 0;

  /// The connection itself, once a 101 has been sent over HTTP/1: its bytes are the other
  /// protocol's. What had come before is the body's to give first (poll()). Null where they are
  /// part of something greater (HTTP/2).
  struct Raw {
    net::Stream* stream = nullptr;
    Timer* stalled = nullptr;  // armed while the client takes nothing
    std::chrono::milliseconds stalls_after{0};
  };
  virtual Raw raw() { return {}; }
};

/// The upstream side of an attempt: one request sent, one answer received.
class ClientStream {
 public:
  virtual ~ClientStream() = default;

  virtual Task<error_code> send_head(const RequestHead& head, Chunk first) = 0;
  virtual Task<error_code> send_body(Chunk chunk) = 0;
  virtual Task<error_code> send_trailers(const Fields& trailers) = 0;

  /// The next head: 1xx heads come too, one call each; views live until the stream goes.
  virtual Task<Result<ResponseHead*>> receive_head() = 0;
  virtual BodySource& response_body() = 0;

  /// Ends every wait on this stream with `reason`; HTTP/1 closes the connection, HTTP/2 resets the
  /// stream.
  virtual void cancel(error_code reason) = 0;
  /// The connection itself, once a 101 has come over HTTP/1, and what came with it has been taken
  /// (poll()). Null as of ServerStream::raw().
  virtual net::Stream* raw() { return nullptr; }
  /// The peer was the first to end that.
  virtual void raw_left() {}
  /// Whether any byte of the answer has been seen; a pooled connection that failed before may be
  /// tried again.
  virtual bool answered() const = 0;
  /// Whether the connection had served others before: its failure may mean no more than that it was
  /// closed while idle.
  virtual bool reused() const = 0;
};

}  // namespace tidegate::proxy::http
