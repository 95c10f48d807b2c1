#include "proxy/runtime/loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/task.h"
#include "proxy/runtime/event.h"
#include "proxy/runtime/poller.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace std::chrono_literals;

namespace {

using Told = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

Task<void> says(Loop& loop, Told& told, std::string name) {
  told.push_back(name);
  co_await turn(loop.io);
  told.push_back(name + " again");
}

/// Says that it has gone.
struct Leaves {
  Told& told;
  explicit Leaves(Told& in) : told(in) {}
  Leaves(const Leaves&) = delete;
  ~Leaves() { told.push_back("gone"); }
};

}  // namespace

TEST_CASE("coroutines that give way go on in order, in the next turn", "[loop]") {
  Loop loop(0, 1);
  Told told;
  loop.post([&] {
    spawn(loop.io, says(loop, told, "a"));
    spawn(loop.io, says(loop, told, "b"));
    told.push_back("posted");
  });
  loop.turn(0ms);
  CHECK(told == Told{"a", "b", "posted"});
  loop.turn(0ms);
  CHECK(told == Told{"a", "b", "posted", "a again", "b again"});
}

TEST_CASE("what a turn adds is for the next", "[loop]") {
  Loop loop(0, 1);
  struct Counted {
    Loop& loop;
    int calls = 0;
    static void call(void* what) {
      auto* self = static_cast<Counted*>(what);
      if (++self->calls < 3) call_later(self->loop.io, self, call);
    }
  } counted{loop};
  loop.post([&] { call_later(loop.io, &counted, Counted::call); });
  loop.turn(0ms);
  for (int calls = 1; calls <= 3; ++calls) {
    loop.turn(0ms);
    CHECK(counted.calls == calls);
  }
  loop.turn(0ms);
  CHECK(counted.calls == 3);
}

TEST_CASE("what is left for a loop is done before what becomes ready after that", "[loop]") {
  Loop loop(0, 1);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  Watched watched;
  std::atomic<int> given{-1};
  std::vector<std::pair<int, int>> seen;  // is the loop's: how many were given, what it read
  int taken = 0;
  auto reads = [&]() -> Task<void> {
    for (char got = 0; got < 100;) {
      watched.may_read = false;
      co_await watched.readable.wait();
      if (::read(ends[0], &got, 1) != 1) continue;
      seen.emplace_back(taken, got);
      given.store(got);
    }
  };
  std::thread runs([&] { loop.run(); });
  loop.post([&] {
    boost::asio::use_service<Poller>(loop.io).add(ends[0], watched);
    spawn(loop.io, reads());
    given.store(0);
  });
  while (given.load() != 0) std::this_thread::yield();
  for (char i = 1; i <= 100; ++i) {
    loop.leave([&taken, i] { taken = i; });  // it is not woken, but by the byte
    REQUIRE(::write(ends[1], &i, 1) == 1);
    while (given.load() != i) std::this_thread::yield();
  }
  loop.stop();
  runs.join();
  for (int i = 1; i <= 100; ++i) CHECK(seen.at(static_cast<std::size_t>(i - 1)) == std::pair(i, i));
  boost::asio::use_service<Poller>(loop.io).forget(watched);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a loop that sleeps is woken by what another thread posts, each time", "[loop]") {
  Loop loop(0, 1);
  std::thread runs([&] { loop.run(); });
  int sum = 0;  // is the loop's
  for (int i = 1; i <= 1000; ++i) {
    std::atomic<bool> done{false};
    loop.post([&] {
      sum += i;
      done = true;
      done.notify_one();
    });
    done.wait(false);
  }
  loop.stop();
  runs.join();
  CHECK(sum == 500500);
}

TEST_CASE("a loop sleeps until a timer is due, and no longer", "[loop]") {
  Loop loop(0, 1);
  bool expired = false;
  auto expire = [&] { expired = true; };
  CallTimer<decltype(expire)> timer(expire);
  const Clock::time_point begun = Clock::now();
  loop.wheel.arm(timer, 30ms);
  int turns = 0;
  while (!expired && ++turns < 100) loop.turn(10s);
  CHECK(expired);
  CHECK(Clock::now() - begun >= 30ms);
  CHECK(turns < 10);  // it sleeps in between
}

TEST_CASE("a timer that was cancelled leaves nothing to wake up for, but once", "[loop]") {
  Loop loop(0, 1);
  auto nothing = [] {};
  CallTimer<decltype(nothing)> timer(nothing);
  loop.wheel.arm(timer, 10ms);
  timer.cancel();
  CHECK(loop.wheel.until_next(Clock::now()) <= 40ms);
  loop.wheel.advance_to(Clock::now() + 100ms);
  CHECK(loop.wheel.until_next(Clock::now()) == std::chrono::milliseconds::max());
}

TEST_CASE("what throws takes nothing else with it", "[loop]") {
  Loop loop(0, 1);
  Told told;
  auto throws = []() -> Task<void> {
    throw std::runtime_error("mine");
    co_return;
  };
  loop.post([&] {
    spawn(loop.io, says(loop, told, "before"));
    call_later(loop.io, &told, [](void*) { throw std::runtime_error("a call's"); });
    spawn(loop.io, throws(), [](std::exception_ptr failed) { std::rethrow_exception(failed); });
    spawn(loop.io, says(loop, told, "after"));
  });
  loop.post([] { throw std::runtime_error("a post's"); });
  loop.post([&] {
    told.push_back("posted");
    call_later(loop.io, &loop, [](void* what) { static_cast<Loop*>(what)->stop(); });
  });
  loop.run();
  CHECK(told == Told{"before", "after", "before again", "after again", "posted"});
}

TEST_CASE("a coroutine that waits for a turn goes with its loop", "[loop]") {
  Told told;
  {
    Loop loop(0, 1);
    auto waits = [](Loop& on, Told& out) -> Task<void> {
      Leaves leaves(out);
      co_await turn(on.io);
      out.push_back("went on");
    };
    loop.post([&] { spawn(loop.io, waits(loop, told)); });
    loop.turn(0ms);
    CHECK(told.empty());
  }
  CHECK(told == Told{"gone"});
}

TEST_CASE("a socket is told of, and one that its neighbour closes in the same turn is not",
          "[loop]") {
  Loop loop(0, 1);
  auto& poller = boost::asio::use_service<Poller>(loop.io);
  int first[2];
  int second[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, first) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, second) == 0);
  struct Side {
    Watched watched;
    int told = 0;
  } sides[2];
  auto waits = [](Side& mine, Side& other, Poller& forgets) -> Task<void> {
    co_await mine.watched.readable.wait();
    ++mine.told;
    forgets.forget(other.watched);
  };
  for (Side& side : sides) side.watched.may_read = false;
  REQUIRE(!poller.add(first[0], sides[0].watched));
  REQUIRE(!poller.add(second[0], sides[1].watched));
  while (loop.turn(0ms) > 0) continue;  // both may be written to
  loop.post([&] {
    spawn(loop.io, waits(sides[0], sides[1], poller));
    spawn(loop.io, waits(sides[1], sides[0], poller));
  });
  loop.turn(0ms);
  CHECK(sides[0].told + sides[1].told == 0);
  REQUIRE(::write(first[1], "x", 1) == 1);
  REQUIRE(::write(second[1], "x", 1) == 1);
  loop.turn(10s);
  CHECK(sides[0].told + sides[1].told == 1);
  for (int* pair : {first, second}) {
    ::close(pair[0]);
    ::close(pair[1]);
  }
}
