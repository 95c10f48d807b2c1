#pragma once

#include <utility>

#include "base/surely.h"
#include "base/task.h"

namespace tidegate::proxy {

/// Lets one coroutine of a worker wait until another handler of the same worker says so. A notify()
/// with nobody waiting is remembered, once. No thread safety: everything is on one worker. A
/// coroutine that still waits when the event goes, goes too.
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
    Suspended waiting = std::move(waiting_);
    std::move(waiting).resume();
  }
  /// The same, in a turn of its own.
  void notify_later(boost::asio::io_context& io) {
    if (!waiting_) return;
    CoroutineFrame& waiting = *waiting_.release();
    surely([&] { resume_later(io, waiting); });
  }
  bool awaited() const { return static_cast<bool>(waiting_); }
  void clear() { notified_ = false; }

  struct Wait {
    Event& event;

    bool await_ready() const noexcept { return std::exchange(event.notified_, false); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> caller) const {
      event.waiting_ = Suspended(caller.promise());
    }
    void await_resume() const noexcept {}
  };
  /// Ends at the next notify(), at once where one is remembered. One waiter at a time.
  Wait wait() { return Wait{*this}; }

 private:
  Suspended waiting_;
  bool notified_ = false;
};

}  // namespace tidegate::proxy
