#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "proxy/net/stream.h"
#include "proxy/runtime/counters.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/loop.h"

namespace tidegate::proxy::relay {

/// Two connections whose bytes go to each other, as they are. An end is passed on as an end: the
/// other direction goes on (half-close). A side that does not take bytes holds the other one back.
/// Holds no buffer while nothing comes.
class Pair {
 public:
  struct Side {
    net::Stream& stream;
    Counter& received;
    Counter& sent;
    net::Stall* stall = nullptr;  // where it takes no bytes
  };

  /// `idle`: in which nothing comes from either side; then both are closed. 0: for ever.
  Pair(Loop& loop, Side downstream, Side upstream, std::chrono::milliseconds idle);

  /// The upstream's end is the end of both directions; the downstream's stream stays open for its
  /// owner to end it.
  void end_with_upstream() { with_upstream_ = true; }
  /// Until both directions have ended. `early` has come from the downstream already.
  Task<void> run(std::string early = {});

  std::uint64_t from_downstream = 0;  // bytes that were passed on
  std::uint64_t from_upstream = 0;
  const net::Stream* left = nullptr;  // the side whose end came first; null: none has ended
  bool idled = false;
  const net::Stream* failed = nullptr;  // the side that failed first; then both have been closed
  error_code why;

 private:
  struct Idle {
    Pair* pair;
    void operator()() const { pair->check_idle(); }
  };

  Task<void> copy(Side& from, Side& to, std::uint64_t& bytes, std::string early);
  void fail(Side& side, error_code with);
  void close();
  void check_idle();

  Loop& loop_;
  Side downstream_;
  Side upstream_;
  std::chrono::milliseconds idle_after_;
  TimerWheel::Clock::time_point last_;
  CallTimer<Idle> idle_;
  Event answered_;
  bool with_upstream_ = false;
  bool over_ = false;
};

}  // namespace tidegate::proxy::relay
