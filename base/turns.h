#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <utility>
#include <vector>

namespace tidegate {

/// What goes on in the next turn of the loop that runs on this thread, in order. A loop that Asio
/// runs (the control thread's) has none: there such things are posted.
class Turns {
 public:
  /// `go` is called with `what`, or `drop`, where the loop ends before.
  struct Entry {
    void* what;
    void (*go)(void*);
    void (*drop)(void*);
  };

  explicit Turns(boost::asio::io_context& io) : io_(&io) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;
  ~Turns() { clear(); }

  /// Those of the loop that is in a turn on this thread, if it is `io`'s; else null.
  static Turns* of(const boost::asio::io_context& io) {
    return here_ != nullptr && here_->io_ == &io ? here_ : nullptr;
  }

  /// Errors: std::bad_alloc; then nothing has happened.
  void add(const Entry& entry) { next_.push_back(entry); }
  bool empty() const { return next_.empty() && at_ == now_.size(); }
  /// What is there now; what that adds is for the next call, and so is the rest where one throws.
  /// Returns how many there were.
  std::size_t run() {
    if (at_ == now_.size()) {
      now_.clear();
      at_ = 0;
      now_.swap(next_);
    }
    std::size_t count = 0;
    for (; at_ < now_.size(); ++count) {
      const Entry entry = now_[at_++];
      entry.go(entry.what);
    }
    return count;
  }
  void clear() {
    while (!empty()) {
      if (at_ == now_.size()) {
        now_.clear();
        at_ = 0;
        now_.swap(next_);
      }
      const Entry entry = now_[at_++];
      entry.drop(entry.what);
    }
  }

  /// This thread is in a turn while it lives.
  class Here {
   public:
    explicit Here(Turns& turns) : before_(std::exchange(here_, &turns)) {}
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;
    ~Here() { here_ = before_; }

   private:
    Turns* before_;
  };

 private:
  static inline constinit thread_local Turns* here_ = nullptr;

  boost::asio::io_context* io_;
  std::vector<Entry> now_;
  std::size_t at_ = 0;  // of now_: the next one
  std::vector<Entry> next_;
};

}  // namespace tidegate
