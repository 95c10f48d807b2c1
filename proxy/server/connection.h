#pragma once

#include <algorithm>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/task.h"
#include "proxy/net/facts.h"
#include "proxy/net/socket.h"
#include "proxy/runtime/timer_wheel.h"
#include "proxy/server/compiled.h"
#include "proxy/server/converse.h"
#include "proxy/tls/tls_stream.h"

namespace tidegate::proxy::server {

/// A name in the snapshot, whatever version of it is served now. A worker's connections hold it.
struct Slot : boost::intrusive_ref_counter<Slot, boost::thread_unsafe_counter> {
  PinnedListenerPtr current;
};
using SlotPtr = boost::intrusive_ptr<Slot>;

/// A coroutine that nobody waits for, and that lets no exception out. Goes when it has ended.
struct Detached {
  struct promise_type : CoroutineFrame {
    Detached get_return_object() {
      self = std::coroutine_handle<promise_type>::from_promise(*this);
      return {Suspended(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() { std::terminate(); }
  };
  Suspended frame;

  void start() && { std::move(frame).resume(); }
};

/// A client's connection from its accept to its end, as its worker keeps it. While it idles between
/// requests of HTTP/1 this, its socket and one small coroutine that waits are all there is of it
/// (ADR 0012): the stream, its facts and whatever serves requests are made anew when bytes come.
class Connection final : public boost::intrusive::list_base_hook<
                             boost::intrusive::link_mode<boost::intrusive::auto_unlink>>,
                         private Timer {
 public:
  Connection(net::Socket socket_in, const net::Accepted& accepted_in, SlotPtr slot_in,
             ListenerStats& counted_in)
      : socket(std::move(socket_in)),
        accepted(accepted_in),
        slot(std::move(slot_in)),
        counted(counted_in) {}

  /// Nothing is served, until something comes or `time` has passed (0: for ever), which closes it.
  /// It may not rest where something is there already. Errors: the kernel's, for a share of the
  /// poller.
  error_code rest(TimerWheel& wheel, std::chrono::milliseconds time) {
    net::Socket* waited = tls ? tls->rest() : &socket;
    if (waited == nullptr) return {};
    if (const error_code failed = waited->watch()) return failed;
    waited_ = waited;
    if (time.count() == 0) return {};
    // What comes and is no request (a byte of a TLS record) does not begin the time anew.
    if (std::exchange(rested_, history.requests) != history.requests || until_ == Time())
      until_ = wheel.now() + time;
    wheel.arm(*this, std::max(std::chrono::ceil<std::chrono::milliseconds>(until_ - wheel.now()),
                              std::chrono::milliseconds(0)));
    return {};
  }
  /// `while (rests()) co_await change();`, then wake().
  bool rests() const { return waited_ != nullptr && waited_->is_open() && !waited_->may_read(); }
  Event::Wait change() { return waited_->change(); }
  /// False: it has been closed meanwhile.
  bool wake() {
    if (waited_ == nullptr) return true;
    cancel();
    return std::exchange(waited_, nullptr)->is_open();
  }
  /// Whether it was closed for having rested too long.
  bool late() const { return late_; }
  /// Of a connection that rests; what serves one has its own ways, in `live`.
  void close() {
    if (tls) {
      tls->close();
    } else {
      socket.close();
    }
  }

  /// Sets `live` for as long as it lives itself.
  class Serving {
   public:
    explicit Serving(Connection& one) : one_(one) { one.live = &live; }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;
    ~Serving() { one_.live = nullptr; }
    Live live;

   private:
    Connection& one_;
  };

  net::Socket socket;                   // of plaintext, while no stream has it
  std::unique_ptr<tls::TlsStream> tls;  // in place of it
  net::Accepted accepted;
  SlotPtr slot;
  ListenerStats& counted;  // of the listener that it has come by
  Live* live = nullptr;    // null: it rests
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  Http1Connection::History history;
  bool begun = false;    // what comes before HTTP is done
  bool secured = false;  // is counted among those of TLS
  bool local = true;     // we close it, not the client

 private:
  using Time = TimerWheel::Clock::time_point;

  void expired() override {
    late_ = true;
    close();
  }

  bool late_ = false;
  std::uint32_t rested_ = 0;  // after so many requests it began to rest
  Time until_;                // when that is over; Time(): it has not rested
  net::Socket* waited_ = nullptr;
};

/// Each leaves by itself when it goes.
using Connections = boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

}  // namespace tidegate::proxy::server
