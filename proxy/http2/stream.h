#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "proxy/http/body.h"
#include "proxy/http/message.h"
#include "proxy/http/stream.h"
#include "proxy/http2/error.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/event.h"

namespace tidegate::proxy::http2 {

class Session;

/// One stream of a Session, of either role; a body source for what the peer sends. Whoever holds it
/// owns it; to destroy it before both sides have ended resets it. It may outlive its session:
/// everything then fails with Error::kClosed.
///
/// An extended CONNECT looks like an upgrade of HTTP/1: its request is a GET with `upgrade` and no
/// body, 101 is what we send or receive for the 2xx that is on the wire, and from then on the body
/// sources carry the other protocol's bytes.
class Stream final : public http::BodySource {
 public:
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::int32_t id() const { return id_; }
  /// Server: the request. `scheme` is what the client claims.
  http::RequestHead& request() { return request_; }

  // What the peer sends. A chunk's bytes are given back to the peer's window when the next is asked
  // for.
  Result<http::Chunk> poll() override;
  /// Server: sends 100 first, where the client waits for it.
  Task<Result<http::Chunk>> read() override;
  const http::Fields* trailers() const override { return has_trailers_ ? &trailers_ : nullptr; }
  void abandon() override;
  /// Client: the next head, 1xx included.
  Task<Result<http::ResponseHead*>> receive_head();
  bool answered() const { return answered_; }

  // What we send. They return when the bytes, or the message's end, are in the session's output;
  // heads without bytes at once. One of them at a time.
  Task<error_code> send_head(const http::RequestHead& head, http::Chunk first);
  /// `date`: the field's value, where the head should have one; empty: none is added.
  Task<error_code> send_head(const http::ResponseHead& head, http::Chunk first,
                             std::string_view date = {});
  Task<error_code> send_body(http::Chunk chunk);
  Task<error_code> send_trailers(const http::Fields& trailers);
  error_code send_informational(const http::ResponseHead& head);

  /// Resets the stream; every wait on it ends with `reason`, in a later turn of the loop.
  void reset(error_code reason);
  /// Tells once, in a turn of its own, when the stream fails before our side of it has ended.
  void watch(http::ServerStream::Watcher* watcher);
  /// In place of what the caller of Session::sweep_stalled() says.
  void let_pause(int sweeps) { quiet_calls_most_ = sweeps; }

  const error_code& failed() const { return failed_; }
  bool reset_by_peer() const { return reset_by_peer_; }
  bool end_received() const { return end_received_; }
  bool end_sent() const { return end_written_; }

 private:
  friend class Session;
  friend struct Callbacks;
  explicit Stream(Session& session) : session_(&session) {}

  enum class Block : std::uint8_t { kNone, kHead, kTrailers };

  // Receiving; heads.cc.
  void begin_block();
  /// False: so much that the connection has to go.
  bool add_field(std::string_view name, std::string_view value);
  void add_pseudo_field(std::string_view name, std::string_view value);
  void add_request_field(std::string_view name, std::string_view value);
  /// The status to refuse with; 0: it is good.
  int finish_request(bool end);
  bool finish_response(bool end);

  Result<http::Chunk> take();
  void give_back();
  void widen(std::size_t read);
  void fail(error_code reason);
  bool wake_one();
  error_code why() const;
  Task<error_code> send(http::Chunk chunk);
  Task<error_code> upgrades_allowed();
  error_code submit(const http::RequestHead& head, bool end);
  error_code submit(const http::ResponseHead& head, std::string_view date, bool end);
  void submit_trailers();
  bool window_shut() const;
  bool answered_in_full() const;
  void end_tunnel();

  Session* session_;
  std::int32_t id_ = 0;
  error_code failed_;
  Arena arena_;

  // Receiving.
  Block block_ = Block::kNone;
  std::size_t block_bytes_ = 0;
  std::size_t block_fields_ = 0;
  bool block_too_large_ = false;
  bool block_invalid_ = false;
  bool has_host_ = false;
  bool bad_expectation_ = false;
  std::string_view host_;
  std::string_view protocol_;
  std::string cookies_;
  std::int64_t content_length_ = -1;
  http::RequestHead request_;  // client: what was asked: method and upgrade
  std::string_view accept_;    // client: what HTTP/1 wants to hear of a WebSocket
  std::list<http::ResponseHead> responses_;
  std::list<http::ResponseHead>::iterator next_response_ = responses_.end();
  std::size_t responses_ready_ = 0;  // complete, not yet taken
  http::Fields trailers_;
  std::string received_;        // not asked for yet
  std::string lent_;            // the chunk that is out
  std::size_t read_bytes_ = 0;  // while the window is not wide
  bool wide_ = false;
  bool head_complete_ = false;  // the head that is not 1xx
  bool has_trailers_ = false;
  bool end_received_ = false;
  bool answered_ = false;      // server: we have; client: we have heard
  bool abandoned_ = false;     // nobody reads any more
  bool given_up_ = false;      // reset() was called: what had come is void too
  bool continue_due_ = false;  // server: the client waits for 100
  bool tunnel_ = false;        // 101 has been sent or received
  bool reset_by_peer_ = false;
  Event readable_;

  // Sending.
  std::span<const char> sending_;
  const http::Fields* sending_trailers_ = nullptr;
  bool sending_end_ = false;     // the message ends with `sending_`
  bool trailers_alone_ = false;  // they are on their way, without DATA ahead of them
  bool deferred_ = false;        // nghttp2 waits for more
  bool end_written_ = false;     // END_STREAM is in the output, or in a head on its way there
  bool closed_ = false;          // nghttp2 knows the stream no more
  Event writable_;

  http::ServerStream::Watcher* watcher_ = nullptr;
  int quiet_calls_ = 0;                  // of Session::sweep_stalled(), in which nothing moved
  std::optional<int> quiet_calls_most_;  // absent: what the caller says
  bool queued_ = false;                  // in the session's list of those to wake
  bool wake_reader_ = false;
  bool wake_writer_ = false;
  bool wake_watcher_ = false;
};

}  // namespace tidegate::proxy::http2
