#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>

#include "base/result.h"
#include "base/task.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/outbox.h"

namespace tidegate::proxy {

/// What is known of one descriptor: whether it may be readable or writable, and who waits for it.
/// One waiter a direction.
struct Watched {
  Event readable;
  Event writable;
  bool may_read = true;  // a read may give something; false once one has said that nothing is there
  bool may_write = true;
  bool peer_ended = false;  // the peer has sent FIN or RST: reads end soon, however short they were
  bool queued = false;      // the outbox has something for it
  bool owes = false;        // and the kernel had no room for it; may_write is false then
  bool broken = false;      // and it could not be sent: the end that a read tells of is no good one
};

/// Readiness of a loop's sockets: each is registered once, for both directions, and reported when
/// it changes (edge triggered). Asio's own sockets try each read before they wait for it, and a
/// proxy's reads are nearly always early: two system calls a request that this one does without
/// (ADR 0004 has the figures). Found as a service of the loop's io_context.
class Poller final : public boost::asio::execution_context::service {
 public:
  using key_type = Poller;
  static inline boost::asio::execution_context::id id;

  explicit Poller(boost::asio::execution_context& context);
  ~Poller() override;

  /// From now on `watched` follows `fd`, until forget(); closing the descriptor ends the kernel's
  /// side of it.
  error_code add(int fd, Watched& watched);
  void forget(Watched& watched);
  boost::asio::io_context& io() { return io_; }
  /// What is in it goes out with the next wait().
  Outbox& outbox() { return outbox_; }

  /// Waits until a socket is ready, or wake() is called, or `at_most` has passed (max(): for ever).
  /// Where some that were ready have not been told yet, not at all.
  void wait(std::chrono::milliseconds at_most);
  /// Tells those who wait for what is ready, one at least, until `stop`. Returns how many sockets
  /// there were.
  std::size_t tell(const std::atomic<bool>& stop);
  /// Ends this wait(), or the next. Any thread.
  void wake();
  /// From now on wake() means the wait() that comes.
  void woken();

 private:
  void shutdown() override {}
  void tell_of(epoll_event& event);

  static constexpr int kBatch = 256;
  boost::asio::io_context& io_;
  int epoll_ = -1;
  int bell_ = -1;  // an eventfd: wake()
  std::atomic<bool> rung_{false};
  std::array<epoll_event, kBatch> events_;
  int at_ = 0;  // of the batch being told
  int count_ = 0;
  Outbox outbox_;
};

}  // namespace tidegate::proxy
