#include "base/task.h"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "proxy/runtime/event.h"

using namespace tidegate;
using proxy::Event;

namespace {

using Told = std::vector<std::string>;

Task<int> at_once(int value) { co_return value; }

/// Says that it has gone.
struct Leaves {
  Told* told;
  std::string name;
  Leaves(Told& in, std::string as) : told(&in), name(std::move(as)) {}
  Leaves(const Leaves&) = delete;
  ~Leaves() { told->push_back(name); }
};

Task<void> waits(Event& event, Told& told, std::string name) {
  Leaves leaves(told, name);
  co_await event.wait();
  told.push_back(name + " goes on");
}

}  // namespace

TEST_CASE("a task runs when it is awaited, and gives its value", "[task]") {
  boost::asio::io_context io;
  Told told;
  auto outer = [](Told& out) -> Task<std::unique_ptr<int>> {
    auto inner = [](Told& to) -> Task<std::unique_ptr<int>> {
      to.push_back("inner");
      co_return std::make_unique<int>(42);
    };
    Task<std::unique_ptr<int>> later = inner(out);
    out.push_back("outer");
    co_return co_await std::move(later);
  };
  std::unique_ptr<int> value;
  spawn(io, outer(told), [&](std::exception_ptr failed, std::unique_ptr<int> got) {
    CHECK(!failed);
    value = std::move(got);
  });
  CHECK(told.empty());  // we are not in the loop
  io.run();
  CHECK(told == Told{"outer", "inner"});
  CHECK((value && *value == 42));
}

TEST_CASE("a loop of tasks that never wait needs no stack of its own", "[task]") {
  boost::asio::io_context io;
  std::int64_t sum = 0;
  auto count = [](std::int64_t& out) -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) out += co_await at_once(1);
  };
  spawn(io, count(sum));
  io.run();
  CHECK(sum == 1'000'000);
}

TEST_CASE("nor does one whose tasks all wait", "[task]") {
  boost::asio::io_context io;
  Event event;
  int rounds = 0;
  auto wait_once = [](Event& on) -> Task<void> { co_await on.wait(); };
  auto count = [&wait_once](Event& on, int& out) -> Task<void> {
    for (; out < 100'000; ++out) co_await wait_once(on);
  };
  spawn(io, count(event, rounds));
  io.poll();
  for (int i = 0; i < 100'000; ++i) {
    REQUIRE(event.awaited());
    event.notify();
  }
  CHECK(rounds == 100'000);
  CHECK(!event.awaited());
}

TEST_CASE("an exception comes out where the task is awaited, before and after a wait", "[task]") {
  boost::asio::io_context io;
  Event event;
  Told told;
  auto thrower = [](Event* on) -> Task<int> {
    if (on) co_await on->wait();
    throw std::runtime_error(on ? "late" : "early");
  };
  auto catcher = [&thrower](Event* on, Told& out) -> Task<void> {
    try {
      co_await thrower(on);
    } catch (const std::runtime_error& thrown) {
      out.push_back(thrown.what());
    }
  };
  spawn(io, catcher(nullptr, told));
  spawn(io, catcher(&event, told));
  spawn(io, thrower(nullptr), [&](std::exception_ptr failed, int value) {
    CHECK((failed && value == 0));
    told.push_back("told");
  });
  io.poll();
  CHECK(told == Told{"early", "told"});
  event.notify();
  CHECK(told.back() == "late");
}

TEST_CASE("what the end throws is thrown by the loop", "[task]") {
  boost::asio::io_context io;
  spawn(io, at_once(1), [](const std::exception_ptr&, int) { throw std::runtime_error("mine"); });
  CHECK_THROWS_WITH(io.run(), "mine");
}

TEST_CASE("an event that goes takes with it who waits for it, from the outermost", "[task]") {
  boost::asio::io_context io;
  Told told;
  {
    Event event;
    auto outer = [](Event& on, Told& out) -> Task<void> {
      Leaves leaves(out, "outer");
      co_await waits(on, out, "inner");
      out.push_back("never");
    };
    spawn(io, outer(event, told), [&](const std::exception_ptr&) { told.push_back("never"); });
    io.poll();
    CHECK(told.empty());
  }
  CHECK(told == Told{"inner", "outer"});
}

TEST_CASE("a loop that goes takes with it what it would have run", "[task]") {
  Told told;
  {
    boost::asio::io_context io;
    auto turns = [](boost::asio::io_context& on, Told& out) -> Task<void> {
      Leaves leaves(out, "gone");
      co_await turn(on);
      out.push_back("never");
    };
    spawn(io, turns(io, told));
    io.run_one();
  }
  CHECK(told == Told{"gone"});
}

TEST_CASE("a spawned task begins at once inside the loop, and keeps it running", "[task]") {
  boost::asio::io_context io;
  Told told;
  Event event;
  boost::asio::post(io, [&] {
    spawn(io, waits(event, told, "spawned"));
    told.push_back(event.awaited() ? "waits" : "does not wait yet");
    boost::asio::post(io, [&] { event.notify(); });
  });
  io.run();
  CHECK(told == Told{"waits", "spawned goes on", "spawned"});
}

TEST_CASE("others have their turn", "[task]") {
  boost::asio::io_context io;
  Told told;
  auto both = [](boost::asio::io_context& on, Told& out) -> Task<void> {
    out.push_back("before");
    co_await turn(on);
    out.push_back("after");
  };
  spawn(io, both(io, told));
  boost::asio::post(io, [&] { told.push_back("another"); });
  io.run();
  CHECK(told == Told{"before", "another", "after"});
}

TEST_CASE("a notify that nobody waits for is remembered once", "[task]") {
  boost::asio::io_context io;
  Told told;
  Event event;
  event.notify();
  event.notify();
  spawn(io, waits(event, told, "first"));
  spawn(io, waits(event, told, "second"));
  io.poll();
  CHECK(told == Told{"first goes on", "first"});
  event.notify_later(io);
  io.poll();
  CHECK(told == Told{"first goes on", "first", "second goes on", "second"});
}
