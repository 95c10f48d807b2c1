#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "proxy/http/body.h"
#include "proxy/http/message.h"
#include "proxy/http/stream.h"
#include "proxy/http2/error.h"
#include "proxy/runtime/arena.h"
#include "proxy/runtime/event.h"

struct nghttp2_session;

namespace tidegate::proxy::http2 {

class Session;

/// One stream of a Session, of either role; a body source for what the peer sends. Whoever holds it owns it; to destroy it
/// before both sides have ended resets it. It may outlive its session: everything then fails with Error::kClosed.
///
/// An extended CONNECT looks like an upgrade of HTTP/1: its request is a GET with `upgrade` and no body, 101 is what we send
/// or receive for the 2xx that is on the wire, and the body sources carry the other protocol's bytes.
class Stream final : public http::BodySource {
 public:
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::int32_t id() const { return id_; }
  /// Server: the request. `scheme` is what the client claims.
  http::RequestHead& request() { return request_; }
  /// Strings of the heads; lives as long as the stream.
  Arena& arena() { return arena_; }

  // What the peer sends. A chunk's bytes are given back to the peer's window when the next is asked for.
  Result<http::Chunk> poll() override;
  Task<Result<http::Chunk>> read() override;
  const http::Fields* trailers() const override { return has_trailers_ ? &trailers_ : nullptr; }
  void abandon() override;
  /// Client: the next head, 1xx included.
  Task<Result<http::ResponseHead*>> receive_head();
  bool answered() const { return answered_; }

  // What we send: heads return at once where no bytes come with them, bytes when they are in the session's output.
  Task<error_code> send_head(const http::RequestHead& head, http::Chunk first);
  Task<error_code> send_head(const http::ResponseHead& head, http::Chunk first);
  Task<error_code> send_body(http::Chunk chunk);
  Task<error_code> send_trailers(const http::Fields& trailers);
  error_code send_informational(const http::ResponseHead& head);

  /// Resets the stream; every wait on it ends with `reason`, in a later turn of the loop.
  void reset(error_code reason);
  /// Tells once when the stream fails before our side of it has ended.
  void watch(http::ServerStream::Watcher* watcher) { watcher_ = watcher; }

  const error_code& failed() const { return failed_; }
  bool reset_by_peer() const { return reset_by_peer_; }
  bool end_received() const { return end_received_; }
  bool end_sent() const { return end_queued_; }

 private:
  friend class Session;
  friend struct Callbacks;
  explicit Stream(Session& session) : session_(&session) {}

  enum class Block : std::uint8_t { kNone, kHead, kTrailers };

  void begin_block(Block block);
  void add_field(std::string_view name, std::string_view value);
  bool finish_request(bool end);
  bool finish_response(bool end);
  void fail(error_code reason);
  Task<error_code> send(http::Chunk chunk);
  void give_back();
  void submit_trailers(nghttp2_session* session);

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
  std::string_view host_;
  std::string_view protocol_;
  std::string cookies_;
  std::int64_t content_length_ = -1;
  http::RequestHead request_;
  std::list<http::ResponseHead> responses_;
  std::list<http::ResponseHead>::iterator next_response_ = responses_.end();
  std::size_t responses_ready_ = 0;  // complete, not yet taken
  http::Fields trailers_;
  std::string received_;  // not asked for yet
  std::string lent_;      // the chunk that is out
  bool head_complete_ = false;
  bool has_trailers_ = false;
  bool end_received_ = false;
  bool answered_ = false;
  bool abandoned_ = false;  // nobody reads any more
  bool reset_by_peer_ = false;
  Event readable_;

  // Sending.
  std::span<const char> sending_;
  const http::Fields* sending_trailers_ = nullptr;
  bool sending_end_ = false;   // the message ends with `sending_`
  bool deferred_ = false;      // nghttp2 waits for more
  bool end_queued_ = false;    // END_STREAM is in the output or in nghttp2's queue
  bool end_written_ = false;   // END_STREAM is in the output
  bool closed_ = false;        // nghttp2 knows the stream no more
  Event writable_;

  http::ServerStream::Watcher* watcher_ = nullptr;
  bool wake_reader_ = false;
  bool wake_writer_ = false;
  bool wake_watcher_ = false;
};

}  // namespace tidegate::proxy::http2
