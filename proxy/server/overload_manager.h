#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "proxy/runtime/overload.h"

namespace tidegate::proxy::server {

/// What the process may have: the least of the cgroup's limit, RLIMIT_AS and the machine's memory.
std::uint64_t memory_limit();
/// As many connections of clients as leave a quarter of the file descriptors to backends.
std::size_t usual_connections_max();
/// As many UDP sessions as leave half of that quarter. 0: any number.
std::size_t sessions_max();

/// Looks at the process's memory many times a second and says in `overload` what is refused, so
/// that it never runs out: at 70 % of the limit what is free goes back to the system, at 80 %
/// requests are answered with 503, at 85 % connections are closed as they come, at 90 % those that
/// hold most are closed. Each ends 3 % lower. On a thread of its own: the control thread may have
/// its hands full with a change, and comes second. Source: Envoy's overload manager, whose names
/// metrics and log have.
class OverloadManager {
 public:
  struct Options {
    std::uint64_t memory_bytes_max = 0;  // 0: nothing is refused for memory
    std::size_t connections_max = 0;     // 0: any number
  };
  struct Hooks {                                          // called on that thread
    std::function<void(std::uint64_t bytes)> close_most;  // connections that hold so many bytes
    std::function<void()> trim;  // workers let go of what they keep to be quick
  };

  OverloadManager(Overload& overload, const Options& options, Hooks hooks);
  ~OverloadManager();
  void start();
  /// One look, as the thread does it: so much is in use. Tests call it, without start().
  void look(std::uint64_t bytes, std::chrono::steady_clock::time_point now);

 private:
  void watch();
  void tell(std::chrono::steady_clock::time_point now);

  Overload& overload_;
  std::uint64_t max_;
  Hooks hooks_;
  std::chrono::steady_clock::time_point shrunk_;
  std::chrono::steady_clock::time_point reset_;
  std::chrono::steady_clock::time_point told_;
  bool shrink_again_ = false;  // what workers let go of has not gone back yet
  bool refusing_ = false;      // as last told
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;  // under mutex_
  std::thread thread_;
};

}  // namespace tidegate::proxy::server
