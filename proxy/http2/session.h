#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "proxy/http2/error.h"
#include "proxy/http2/frame_watch.h"
#include "proxy/http2/limits.h"
#include "proxy/http2/stream.h"
#include "proxy/runtime/limit_stats.h"

struct nghttp2_session;

namespace tidegate::proxy::http2 {

enum class Role : std::uint8_t { kServer, kClient };

/// One HTTP/2 connection without its socket: bytes go in by feed(), come out by output(). One
/// thread.
///
/// Nothing of the handler or of a stream's waiters runs inside nghttp2: they are called at the end
/// of feed() and in wake(), which is what output_ready() asks for. Source: RFC 9113; RFC 8441
/// (extended CONNECT).
class Session {
 public:
  using Clock = std::chrono::steady_clock;

  /// Lives longer than the session.
  class Handler {
   public:
    /// Server: a request's head is complete and valid.
    virtual void request(std::unique_ptr<Stream> stream) = 0;
    /// Server: a request was answered here with `status`, because its head is not acceptable.
    virtual void refused(int /*status*/) {}
    /// Something was submitted outside of feed(), or a waiter's time has come: call wake(), then
    /// send output(), in a later turn of the loop. Not called again before wake().
    virtual void output_ready() = 0;

   protected:
    ~Handler() = default;
  };

  /// output() has the connection's preface and settings at once; output_ready() is not called for
  /// them.
  /// `hits`, which lives longer: counts what of the peer's was above a limit; null: nobody does.
  Session(Role role, Handler& handler, const Limits& limits = {}, LimitStats* hits = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes all of `bytes`. On an error the connection is over: send what output() still has
  /// (GOAWAY), then close. Errors: Error::kProtocol, Error::kFlood.
  error_code feed(std::span<const char> bytes);
  /// What to write now, until the next call of this object or of one of its streams. Empty: nothing
  /// to write.
  std::span<const char> output();
  void consume_output(std::size_t bytes);
  /// Resumes who waits for what has happened.
  void wake();

  /// Client: a new stream. It is on the wire with its send_head(). nullptr where !usable().
  std::unique_ptr<Stream> open();
  /// Client: whether a new stream may be opened now: no GOAWAY, below the peer's limit.
  bool usable() const;
  /// Server: tells the peer to open no more streams: GOAWAY with the highest id and PING, and once
  /// that is answered (or by finish_drain()) GOAWAY with the last stream.
  void drain();
  void finish_drain();
  bool draining() const { return draining_; }
  /// Asks the peer whether it is there.
  void ping();
  /// PINGs of ours that the peer has not answered.
  std::size_t pings_waiting() const { return pings_waiting_; }
  /// Ends everything: all streams fail with `reason`, which they hear in a later turn. Adds nothing
  /// to the output.
  void close(error_code reason);
  /// Client: whether the peer takes no more streams beside those that are on the wire.
  bool full() const;
  /// Whether the connection has nothing more to say or hear.
  bool done() const;
  /// The streams that somebody holds.
  std::size_t active() const { return streams_.size() + unsent_.size(); }
  /// Streams opened in its life, by either side.
  std::size_t opened() const { return opened_; }
  /// Why the connection is over; none while it is not.
  const error_code& failed() const { return failed_; }
  bool goaway_received() const { return goaway_received_; }
  /// Whether the peer has announced extended CONNECT; known once its settings have come.
  bool peer_takes_upgrades() const;
  /// To be called every while: resets streams whose peer takes nothing of what waits for it, or
  /// sends nothing of the body that it has announced, for so many calls.
  struct Stalled {
    std::size_t sending = 0, reading = 0;
  };
  Stalled sweep_stalled(int sending_calls, int reading_calls);
  /// Bytes that are held for the peer or of it.
  std::size_t buffered_bytes() const;
  bool settings_received() const { return settings_received_; }
  const Limits& limits() const { return limits_; }
  Role role() const { return role_; }

 private:
  friend class Stream;
  friend struct Callbacks;
  /// How often something happened in this period.
  struct Guard {
    Clock::time_point since;
    std::uint32_t count = 0;
    bool hit(std::uint32_t max, std::chrono::seconds period, std::uint32_t times = 1);
  };

  Stream* find(std::int32_t id);
  void submitted();
  void wake_later(Stream& stream);
  void forget(Stream& stream);
  void calm_down(Counter LimitStats::* limit);
  /// Whether a peer has sent too many of a kind of frame: `seen`, where traffic explains `due`;
  /// what is above that is counted by time.
  bool beyond(std::uint64_t seen, std::uint64_t due) {
    return seen > due && empty_frames_.hit(limits_.empty_frames_max, limits_.guard_period);
  }
  void end_with(error_code reason, std::uint32_t code);
  void hit(Counter LimitStats::* limit) {
    if (hits_ != nullptr) (hits_->*limit).add();
  }
  void gather();
  std::size_t frames_waiting_max() const;
  /// What nghttp2 returned; throws std::bad_alloc where it had no memory.
  static void must(int result);
  void end_head(Stream& stream, bool end);
  void refuse(std::int32_t id, int status);

  Role role_;
  Handler& handler_;
  Limits limits_;
  LimitStats* hits_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, Stream*> streams_;  // that have an id, until they are destroyed
  std::vector<Stream*> unsent_;                        // client: opened, without an id yet
  std::unique_ptr<Stream>
      incoming_;  // server: whose head is being received; there is one at a time
  std::vector<std::unique_ptr<Stream>> requests_;  // complete, not handed over
  std::vector<int> refused_;                       // statuses of those that were answered here
  std::vector<Stream*> woken_;                     // holes are null
  std::string output_;
  std::size_t output_done_ = 0;
  error_code failed_;
  FrameWatch watch_;
  Guard resets_;
  Guard empty_frames_;
  std::uint64_t window_updates_ = 0;  // by the peer
  std::uint64_t pings_ = 0;           // the same
  std::uint64_t data_frames_ = 0;     // by us
  std::uint64_t data_received_ = 0;   // frames of the peer
  std::size_t opened_ = 0;
  std::size_t open_ = 0;  // client: opened and not closed
  std::size_t pings_waiting_ = 0;
  bool inside_ = false;  // nghttp2 is on the stack
  bool waking_ = false;  // wake() is on the stack
  bool asked_ = false;   // output_ready() was called
  bool draining_ = false;
  bool drained_ = false;  // the final GOAWAY is submitted
  bool goaway_received_ = false;
  bool settings_received_ = false;
};

}  // namespace tidegate::proxy::http2
