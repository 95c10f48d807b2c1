#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "proxy/net/plain_stream.h"
#include "proxy/runtime/loop.h"

using namespace tidegate;
using namespace tidegate::proxy;
using namespace std::chrono_literals;

namespace {

struct Read {
  std::string bytes;
  error_code end;
};

Task<void> read_on(net::Stream& stream, Read& into) {
  char some[64];
  while (true) {
    Result<std::size_t> got = co_await stream.read_some(some);
    if (!got) {
      into.end = got.error();
      co_return;
    }
    into.bytes.append(some, *got);
  }
}

bool write_later(net::Stream& stream, std::string_view text) {
  const boost::asio::const_buffer piece(text.data(), text.size());
  return stream.write_later({&piece, 1});
}

}  // namespace

TEST_CASE("an end that follows a message in vain is a reset, any other an end", "[net]") {
  Loop loop(0, 1);
  const bool in_vain = GENERATE(true, false);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  net::PlainStream stream(net::Socket(loop.io, ends[0], true));
  Read read;
  loop.post([&] { spawn(loop.io, read_on(stream, read)); });
  loop.turn(0ms);  // it waits now, which the poller knows
  REQUIRE(::write(ends[1], "hello", 5) == 5);
  while (loop.turn(0ms) > 0) continue;
  CHECK(read.bytes == "hello");
  if (in_vain) {
    REQUIRE(write_later(stream, "answer"));
    CHECK(::close(ends[1]) == 0);
  } else {
    REQUIRE(write_later(stream, "answer"));
    CHECK(stream.settled());
    char answer[16];
    CHECK(::read(ends[1], answer, sizeof answer) == 6);
    CHECK(::close(ends[1]) == 0);
  }
  for (int i = 0; i < 10 && !read.end; ++i) loop.turn(10ms);
  CHECK(read.end == (in_vain ? error_code(boost::asio::error::connection_reset)
                             : error_code(boost::asio::error::eof)));
}

TEST_CASE("a stream writes more only behind what it was to write later", "[net]") {
  Loop loop(0, 1);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
  net::PlainStream stream(net::Socket(loop.io, ends[0], true));
  CHECK_FALSE(write_later(stream, "the poller does not know it yet"));
  Read read;
  loop.post([&] { spawn(loop.io, read_on(stream, read)); });
  while (loop.turn(0ms) > 0) continue;
  REQUIRE(write_later(stream, "first "));
  const boost::asio::const_buffer piece("second", 6);
  const Result<std::size_t> sent = stream.try_write({&piece, 1});
  REQUIRE(sent);
  CHECK(*sent == 6);
  char all[32];
  REQUIRE(::read(ends[1], all, sizeof all) == 12);
  CHECK(std::string(all, 12) == "first second");
  REQUIRE(write_later(stream, "last"));
  stream.shutdown_send();
  CHECK(::read(ends[1], all, sizeof all) == 4);
  CHECK(::read(ends[1], all, sizeof all) == 0);
  ::close(ends[1]);
  while (loop.turn(0ms) > 0) continue;
  CHECK(read.end == boost::asio::error::eof);
}

TEST_CASE("a large write does not hold up what others have to send", "[net]") {
  Loop loop(0, 1);
  const bool large = GENERATE(true, false);
  int small_ends[2];
  int large_ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, small_ends) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, large_ends) == 0);
  net::PlainStream small(net::Socket(loop.io, small_ends[0], true));
  net::PlainStream other(net::Socket(loop.io, large_ends[0], true));
  Read read;
  loop.post([&] { spawn(loop.io, read_on(small, read)); });
  loop.turn(0ms);
  REQUIRE(write_later(small, "answer"));
  const std::string bytes(large ? 16 * 1024 : 1024, 'x');
  const boost::asio::const_buffer piece(bytes.data(), bytes.size());
  REQUIRE(other.try_write({&piece, 1}));
  char answer[16];
  CHECK(::read(small_ends[1], answer, sizeof answer) == (large ? 6 : -1));
  loop.turn(0ms);
  if (!large) CHECK(::read(small_ends[1], answer, sizeof answer) == 6);
  ::close(small_ends[1]);
  ::close(large_ends[1]);
}
