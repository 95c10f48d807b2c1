#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <span>

#include "base/result.h"
#include "proxy/runtime/poller.h"

namespace tidegate::proxy::net {

/// A non-blocking socket on a worker, and the waiting for it; closes it when it goes. Reading and
/// writing is the owner's business (recv, sendmsg, OpenSSL): it tells when the kernel had nothing
/// more, and asks to be resumed when it has.
class Socket {
 public:
  Socket() = default;
  /// Takes `fd` over. `expects_bytes`: something may be there already; an upstream's is silent
  /// until it is asked.
  Socket(boost::asio::io_context& io, int fd, bool expects_bytes);
  Socket(Socket&&) noexcept = default;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  bool is_open() const { return state_ && state_->fd >= 0; }
  int fd() const { return state_ ? state_->fd : -1; }

  /// Whether a read may give something; exhausted() says that it did not.
  bool may_read() const { return state_->watched.may_read; }
  /// After a read that gave nothing, or less than it had room for: then nothing more is there,
  /// unless the peer has ended.
  void read_exhausted(bool certain) {
    if (certain || !state_->watched.peer_ended) state_->watched.may_read = false;
  }
  void write_exhausted() { state_->watched.may_write = false; }
  /// Takes a small message that goes out at the end of this turn (Outbox). False: it does not.
  bool send_later(std::span<const boost::asio::const_buffer> pieces) {
    return is_open() && state_->registered &&
           state_->poller.outbox().take(state_->fd, state_->watched, pieces);
  }
  /// What was to be sent later could not be: the peer's end, as a read tells of it, was a reset.
  bool broken() const { return state_->watched.broken; }
  /// What all sockets of this loop have given to send_later(), now.
  void send_what_waits() { state_->poller.outbox().send(); }
  /// False: the kernel has no room yet for some of what was to be sent later, and a wait for it to
  /// be writable ends when it has. To be asked before more is sent.
  bool settled() {
    Watched& watched = state_->watched;
    return !watched.owes && (!watched.queued || state_->poller.outbox().settled(watched));
  }

  /// Until may_read(), or an error. Errors: operation_aborted after cancel() or close(). One waiter
  /// a direction. `co_await` at once; no frame of its own.
  auto wait_readable() {
    return Wait(state_, &Watched::readable, &Watched::may_read, &State::read_cancels);
  }
  auto wait_writable() {
    return Wait(state_, &Watched::writable, &Watched::may_write, &State::write_cancels);
  }
  /// The same in less memory, for connections that idle: watch() once, then
  /// `while (is_open() && !may_read()) co_await change();`. The socket outlives the wait.
  error_code watch();
  Event::Wait change() { return state_->watched.readable.wait(); }
  /// Ends the waits, in a later turn; the socket stays open.
  void cancel();
  void cancel_read();  // that for reading alone
  void close();
  void reset();  // with RST, whatever is on its way
  void shutdown_send();

 private:
  /// A waiter holds it too: it may be resumed when the socket has gone.
  struct State : boost::intrusive_ref_counter<State, boost::thread_unsafe_counter> {
    State(Poller& poller_in, int fd_in) : poller(poller_in), fd(fd_in) {}
    Poller& poller;
    int fd;
    Watched watched;
    bool registered = false;  // with the poller, by the first wait: short connections have none
    std::uint32_t read_cancels = 0;
    std::uint32_t write_cancels = 0;
  };
  class Wait {
   public:
    Wait(boost::intrusive_ptr<State> state, Event Watched::* changed, bool Watched::* may,
         std::uint32_t State::* cancels)
        : state_(std::move(state)), changed_(changed), may_(may), cancels_(cancels) {}

    bool await_ready();
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) const {
      (state_->watched.*changed_).wait().await_suspend(caller);
    }
    error_code await_resume() const;

   private:
    boost::intrusive_ptr<State> state_;
    Event Watched::* changed_;
    bool Watched::* may_;
    std::uint32_t State::* cancels_;
    std::uint32_t before_ = 0;
    error_code failed_;
  };

  boost::intrusive_ptr<State> state_;
};

}  // namespace tidegate::proxy::net
