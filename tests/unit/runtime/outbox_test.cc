#include "proxy/runtime/outbox.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "proxy/runtime/loop.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace std::chrono_literals;

namespace {

/// Two ends of a connection, of which the first is the loop's.
struct Connection {
  explicit Connection(Loop& loop) : poller(boost::asio::use_service<Poller>(loop.io)) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    REQUIRE(!poller.add(ends[0], watched));
    while (loop.turn(0ms) > 0) continue;
  }
  ~Connection() {
    if (ends[0] >= 0) poller.forget(watched);
    for (int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  bool take(const std::string& text) {
    const boost::asio::const_buffer piece(text.data(), text.size());
    return poller.outbox().take(ends[0], watched, {&piece, 1});
  }
  /// What has arrived at the other end.
  std::string read(std::size_t at_most = 1 << 20) const {
    std::string all;
    std::array<char, 4096> some;
    while (all.size() < at_most) {
      const ssize_t got = ::read(ends[1], some.data(), std::min(some.size(), at_most - all.size()));
      if (got <= 0) break;
      all.append(some.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  /// Until the kernel takes no more. Returns how much it took.
  std::size_t fill() {
    const std::string much(64 * 1024, '.');
    std::size_t all = 0;
    while (true) {
      const ssize_t sent = ::send(ends[0], much.data(), much.size(), MSG_NOSIGNAL);
      if (sent <= 0) return all;
      all += static_cast<std::size_t>(sent);
    }
  }

  Poller& poller;
  Watched watched;
  int ends[2];
};

}  // namespace

TEST_CASE("what is given in a turn goes out at its end, in order", "[outbox]") {
  Loop loop(0, 1);
  Connection one(loop);
  Connection other(loop);
  std::string wanted;
  for (int i = 0; i < 200; ++i) {  // more than it holds at a time
    REQUIRE(one.take("one " + std::to_string(i) + "\n"));
    wanted += "one " + std::to_string(i) + "\n";
  }
  REQUIRE(other.take("other"));
  CHECK(other.read().empty());
  loop.turn(0ms);
  CHECK(one.read() == wanted);
  CHECK(other.read() == "other");
  CHECK_FALSE(one.watched.queued);
  CHECK_FALSE(one.take(std::string(Outbox::kBytesMax + 1, 'x')));
}

TEST_CASE("more is written behind what has settled", "[outbox]") {
  Loop loop(0, 1);
  Connection one(loop);
  Connection other(loop);
  REQUIRE(one.take("first "));
  REQUIRE(other.take("other"));
  REQUIRE(one.take("second "));
  CHECK(one.poller.outbox().settled(one.watched));
  CHECK(one.read() == "first second ");
  CHECK(other.read().empty());
  loop.turn(0ms);
  CHECK(one.read().empty());
  CHECK(other.read() == "other");
}

TEST_CASE("what the kernel has no room for is sent when it has, before anything else", "[outbox]") {
  Loop loop(0, 1);
  Connection one(loop);
  const std::size_t filled = one.fill();
  const std::string message(2000, 'a');
  const std::string next(2000, 'b');
  REQUIRE(one.take(message));  // nobody knows yet
  REQUIRE(one.take(next));
  loop.turn(0ms);
  CHECK(one.watched.owes);
  CHECK_FALSE(one.watched.may_write);
  CHECK_FALSE(one.take("not yet"));
  CHECK_FALSE(one.poller.outbox().settled(one.watched));
  std::string all = one.read();
  for (int i = 0; i < 100 && one.watched.owes; ++i) {
    loop.turn(100ms);
    all += one.read();
  }
  CHECK_FALSE(one.watched.owes);
  CHECK(one.watched.may_write);
  REQUIRE(all.size() == filled + message.size() + next.size());
  CHECK(all.substr(filled) == message + next);
  REQUIRE(one.take("now"));
  loop.turn(0ms);
  CHECK(one.read() == "now");
}

TEST_CASE("a socket that is closed gives the kernel what it has first", "[outbox]") {
  Loop loop(0, 1);
  Connection one(loop);
  REQUIRE(one.take("last words"));
  one.poller.forget(one.watched);
  ::close(one.ends[0]);
  one.ends[0] = -1;
  CHECK(one.read() == "last words");

  Connection full(loop);
  const std::size_t filled = full.fill();
  REQUIRE(full.take("lost"));
  loop.turn(0ms);
  REQUIRE(full.watched.owes);
  full.poller.forget(full.watched);
  CHECK_FALSE(full.watched.owes);
  ::close(full.ends[0]);
  full.ends[0] = -1;
  CHECK(full.read().size() == filled);
  loop.turn(0ms);
}

TEST_CASE("a peer that has gone is heard of by reading", "[outbox]") {
  Loop loop(0, 1);
  Connection one(loop);
  one.watched.may_read = false;
  ::close(one.ends[1]);
  one.ends[1] = -1;
  REQUIRE(one.take("to nobody"));
  loop.turn(0ms);
  loop.turn(0ms);
  CHECK_FALSE(one.watched.owes);
  CHECK(one.watched.may_read);
  CHECK(one.watched.broken);
  CHECK_FALSE(one.take("the writer is told when it writes itself"));
  char byte;
  CHECK(::read(one.ends[0], &byte, 1) <= 0);
}
