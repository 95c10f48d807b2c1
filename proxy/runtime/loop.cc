#include "proxy/runtime/loop.h"

#include <algorithm>
#include <exception>

namespace tidegate::proxy {

Loop::Loop(std::size_t index_in, std::uint64_t seed)
    : index(index_in), random(seed), poller_(boost::asio::use_service<Poller>(io)) {
  wheel.drive();
  io.get_executor().on_work_started();  // it has not ended because nothing is to be done
}

Loop::~Loop() {
  wheel.stop();
  turns_.clear();
}

void Loop::run() {
  while (!io.stopped()) {
    try {
      turn(std::chrono::milliseconds::max());
    } catch (const std::exception& failed) {
      tell_failure("a task was given up", failed.what());
    }
  }
}

std::size_t Loop::turn(std::chrono::milliseconds at_most) {
  const Turns::Here here(turns_);
  std::size_t done = turns_.run();
  wheel.advance_to(TimerWheel::Clock::now());
  poller_.woken();
  left_.store(false, std::memory_order_relaxed);
  done += io.poll();  // after all that may post something
  const bool busy = !turns_.empty() || io.stopped();
  poller_.wait(busy ? std::chrono::milliseconds(0)
                    : std::min(at_most, wheel.until_next(TimerWheel::Clock::now())));
  do {
    if (left_.load(std::memory_order_acquire)) {  // older than what is ready, or not told yet
      left_.store(false, std::memory_order_relaxed);
      done += io.poll();
    }
    done += poller_.tell(left_);
  } while (left_.load(std::memory_order_relaxed));
  return done;
}

void Loop::stop() {
  io.stop();
  poller_.wake();
}

}  // namespace tidegate::proxy
