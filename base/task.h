#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/frames.h"
#include "base/turns.h"

namespace tidegate {

using Executor = boost::asio::io_context::executor_type;

/// A coroutine's frame, and who waits for it. Base of all promises.
struct CoroutineFrame {
  CoroutineFrame* caller = nullptr;  // null: the outermost one
  std::coroutine_handle<> self;
  bool below =
      false;  // the caller is still on the stack: it looks for itself whether we have ended

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those have to see each
  static void* operator new(std::size_t bytes) { return Frames::take(bytes); }
  static void operator delete(void* at, std::size_t bytes) { Frames::give(at, bytes); }
#endif
};

/// A coroutine that waits, with all that wait for it; whoever is to resume it owns it. Dropped
/// instead, the whole chain is destroyed.
class Suspended {
 public:
  Suspended() = default;
  explicit Suspended(CoroutineFrame& innermost) : innermost_(&innermost) {}
  Suspended(Suspended&& other) noexcept : innermost_(std::exchange(other.innermost_, nullptr)) {}
  Suspended& operator=(Suspended&& other) noexcept {
    std::swap(innermost_, other.innermost_);
    return *this;
  }
  ~Suspended() {
    if (!innermost_) return;
    const CoroutineFrame* outermost = innermost_;
    while (outermost->caller) outermost = outermost->caller;
    outermost->self.destroy();
  }

  explicit operator bool() const { return innermost_ != nullptr; }
  /// Somebody else owns it now.
  CoroutineFrame* release() { return std::exchange(innermost_, nullptr); }
  /// Returns when it waits again, or has ended.
  void resume() && { std::exchange(innermost_, nullptr)->self.resume(); }
  void operator()() && { std::move(*this).resume(); }

 private:
  CoroutineFrame* innermost_ = nullptr;
};

/// Resumes `waiting` in a turn of its own. Errors: std::bad_alloc; then nothing has happened to it.
inline void resume_later(boost::asio::io_context& io, CoroutineFrame& waiting) {
  if (Turns* turns = Turns::of(io)) {
    turns->add({&waiting,
                [](void* frame) { Suspended(*static_cast<CoroutineFrame*>(frame)).resume(); },
                [](void* frame) { Suspended(*static_cast<CoroutineFrame*>(frame)); }});
    return;
  }
  /// What goes before it has been run owns it, but for what goes by an exception of the post.
  struct Posted {
    explicit Posted(CoroutineFrame& frame) : owned(frame) {}
    Posted(Posted&&) noexcept = default;
    ~Posted() {
      if (std::uncaught_exceptions() > exceptions) owned.release();
    }
    void operator()() && { std::move(owned).resume(); }

    Suspended owned;
    int exceptions = std::uncaught_exceptions();
  };
  boost::asio::post(io, Posted(waiting));
}

/// Calls `go` with `what` in a turn of its own; not at all, where the loop ends before.
/// Errors: std::bad_alloc; then it will not be called.
inline void call_later(boost::asio::io_context& io, void* what, void (*go)(void*)) {
  if (Turns* turns = Turns::of(io)) {
    turns->add({what, go, [](void*) {}});
  } else {
    boost::asio::post(io, [what, go] { go(what); });
  }
}

template <class T>
class Task;

namespace task_detail {

/// Back to the caller, unless that is on the stack below: so a loop of calls that never wait needs
/// no more stack than one of them.
struct End {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    CoroutineFrame& frame = ended.promise();
    if (!frame.below) frame.caller->self.resume();
  }
  void await_resume() const noexcept {}
};

struct PromiseBase : CoroutineFrame {
  std::exception_ptr failed;

  std::suspend_always initial_suspend() const noexcept { return {}; }
  End final_suspend() const noexcept { return {}; }
  void unhandled_exception() { failed = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;

  Task<T> get_return_object();
  template <class U>
  void return_value(U&& from) {
    value.emplace(std::forward<U>(from));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() const {}
  void take() const {}
};

}  // namespace task_detail

/// A coroutine of one worker (or of the control thread): runs once it is awaited, and then as a
/// function would until something has to be waited for (an Event, a turn()). ADR 0008.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle frame) : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  struct Await {
    Handle frame;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> caller) const {
      promise_type& promise = frame.promise();
      promise.caller = &caller.promise();
      promise.below = true;
      frame.resume();
      if (frame.done()) return false;
      promise.below = false;
      return true;
    }
    T await_resume() const {
      promise_type& promise = frame.promise();
      if (promise.failed) std::rethrow_exception(std::exchange(promise.failed, nullptr));
      return promise.take();
    }
  };
  Await operator co_await() && { return Await{frame_}; }

 private:
  Handle frame_;
};

namespace task_detail {

template <class T>
Task<T> Promise<T>::get_return_object() {
  auto handle = std::coroutine_handle<Promise>::from_promise(*this);
  self = handle;
  return Task<T>(handle);
}
inline Task<void> Promise<void>::get_return_object() {
  auto handle = std::coroutine_handle<Promise>::from_promise(*this);
  self = handle;
  return Task<void>(handle);
}

/// The outermost frame; goes when it has ended.
struct Outermost {
  struct promise_type : CoroutineFrame {
    Outermost get_return_object() {
      self = std::coroutine_handle<promise_type>::from_promise(*this);
      return {this};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() { std::terminate(); }
  };
  CoroutineFrame* frame;
};

template <class T, class Ended>
Outermost outermost(boost::asio::executor_work_guard<Executor> work, Task<T> given, Ended ended) {
  std::exception_ptr failed;
  std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
  try {
    Task<T> task = std::move(given);
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
    } else {
      value.emplace(co_await std::move(task));
    }
  } catch (...) {
    failed = std::current_exception();
  }
  try {
    if constexpr (std::is_void_v<T>) {
      ended(failed);
    } else {
      ended(failed, value ? std::move(*value) : T());
    }
  } catch (...) {  // is the loop's
    boost::asio::post(work.get_executor(),
                      [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
  }
}

struct Ignore {
  template <class... Args>
  void operator()(const Args&...) const {}
};

}  // namespace task_detail

/// Runs `task` by itself on `io`, from now on where that is the loop we are in. `ended` is told its
/// exception, or null, and its value.
template <class T, class Ended = task_detail::Ignore>
void spawn(boost::asio::io_context& io, Task<T> task, Ended ended = {}) {
  boost::asio::executor_work_guard<Executor> work(io.get_executor());
  const task_detail::Outermost started =
      task_detail::outermost(std::move(work), std::move(task), std::move(ended));
  if (Turns::of(io) != nullptr) {
    Suspended(*started.frame).resume();
  } else {
    boost::asio::dispatch(io, Suspended(*started.frame));
  }
}

/// Lets the others of the loop have theirs first: `co_await turn(io)`.
struct Turn {
  boost::asio::io_context& io;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> caller) const {
    resume_later(io, caller.promise());
  }
  void await_resume() const noexcept {}
};
inline Turn turn(boost::asio::io_context& io) { return Turn{io}; }

}  // namespace tidegate
