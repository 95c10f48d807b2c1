#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "base/task.h"

namespace tidegate::proxy {

/// Lets one coroutine of a worker wait until another handler of the same worker says so. A notify()
/// with nobody waiting is remembered, once. No thread safety: everything is on one worker.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Resumes the waiting coroutine before it returns (so: last thing in a handler, or when the
  /// caller's state is whole).
  void notify() {
    if (!waiting_) {
      notified_ = true;
      return;
    }
    Handler handler = std::move(*waiting_);
    waiting_.reset();
    std::move(handler)();
  }
  /// The same, in a turn of its own.
  template <class Io>
  void notify_later(Io& io) {
    if (!waiting_) return;
    Handler handler = std::move(*waiting_);
    waiting_.reset();
    boost::asio::post(io, [handler = std::move(handler)]() mutable { std::move(handler)(); });
  }
  bool awaited() const { return waiting_.has_value(); }
  void clear() { notified_ = false; }

  /// Ends at the next notify(), at once where one is remembered. One waiter at a time.
  Task<void> wait() {
    if (notified_) {
      notified_ = false;
      co_return;
    }
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void()>(
        [this](auto handler) { waiting_.emplace(std::move(handler)); }, use_task);
  }

 private:
  using Handler =
      boost::asio::async_result<boost::asio::use_awaitable_t<Executor>, void()>::handler_type;
  std::optional<Handler> waiting_;
  bool notified_ = false;
};

}  // namespace tidegate::proxy
