#include <boost/asio/error.hpp>
#include <catch2/catch.hpp>

#include "proxy/server/http1_connection.h"
#include "tests/protocol/loopback.h"

using namespace tidegate;
using namespace tidegate::test;
using Kind = http::BodyLength::Kind;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kMuch = 8 * 1024 * 1024;  // more than the buffers of both ends

/// A connection whose exchange reads the body, then sends much.
struct Served {
  explicit Served(const server::Http1Connection::Options& options) {
    Ends ends;
    const int buffer = 64 * 1024;
    ::setsockopt(ends.ours, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    ::setsockopt(ends.theirs, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    client = ends.ours;
    stream = std::make_unique<net::PlainStream>(net::Socket(loop.io, ends.theirs, true));
    connection = std::make_unique<server::Http1Connection>(
        loop, *stream, stats, [this](http::ServerStream& one) { return exchange(one); }, options,
        history);
    spawn(loop.io, serve());
  }
  ~Served() {
    if (client >= 0) ::close(client);
    CHECK(until([this] { return over; }));
  }
  Task<void> serve() {
    co_await connection->serve();
    stream->close();
    over = true;
  }
  Task<void> exchange(http::ServerStream& one) {
    while (true) {
      Result<http::Chunk> chunk = co_await one.request_body().read();
      if (!chunk) {
        failed = chunk.error();
        one.abort();
        co_return;
      }
      if (chunk->end) break;
    }
    std::string much(kMuch, 'x');
    http::ResponseHead head;
    head.status = 200;
    head.body = {Kind::kExact, much.size()};
    const http::Chunk body{{much.data(), much.size()}, true};
    failed = co_await one.send_head(head, body);
  }
  template <class Fact>
  bool until(Fact fact) {
    return drive(loop, [] {}, fact);
  }
  void send(std::string_view bytes) const { ::send(client, bytes.data(), bytes.size(), 0); }

  Loop loop{0, 1};
  HttpStats stats;
  server::Http1Connection::History history;
  int client = -1;
  std::unique_ptr<net::PlainStream> stream;
  std::unique_ptr<server::Http1Connection> connection;
  error_code failed;
  bool over = false;
};

}  // namespace

TEST_CASE("a body that stops coming is told from a client that has gone", "[http1][protocol]") {
  server::Http1Connection::Options options;
  options.body_timeout = milliseconds(100);
  Served served(options);
  served.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  SECTION("it waits") {
    CHECK(served.until([&] { return served.over; }));
    CHECK(served.failed == boost::asio::error::timed_out);
    CHECK(served.stats.downstream_rq_idle_timeout.get() == 1);
  }
  SECTION("it goes") {
    ::close(std::exchange(served.client, -1));
    CHECK(served.until([&] { return served.over; }));
    CHECK(served.failed);
    CHECK(served.failed != boost::asio::error::timed_out);
    CHECK(served.stats.downstream_rq_idle_timeout.get() == 0);
  }
}

TEST_CASE("an empty line is no request that takes its time", "[http1][protocol]") {
  server::Http1Connection::Options options;
  options.head_timeout = milliseconds(100);
  Served served(options);
  char byte = 0;
  SECTION("it is alone") {
    served.send("\r\n");
    CHECK(served.until([&] { return served.over; }));
    CHECK(::recv(served.client, &byte, 1, 0) == 0);
  }
  SECTION("a request begins behind it") {
    served.send("\r\nGET");
    CHECK(served.until([&] { return served.over; }));
    CHECK(::recv(served.client, &byte, 1, 0) == 1);
  }
}

TEST_CASE("a client that takes nothing of an answer is closed", "[http1][protocol]") {
  server::Http1Connection::Options options;
  options.send_timeout = milliseconds(100);
  Served served(options);
  served.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(served.until([&] { return served.over; }));
  CHECK(served.failed);
  CHECK(served.stats.downstream_rq_idle_timeout.get() == 1);
}

TEST_CASE("a client that takes its time is let be", "[http1][protocol]") {
  server::Http1Connection::Options options;
  options.send_timeout = milliseconds(2000);
  Served served(options);
  served.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::string bytes(64 * 1024, '\0');
  std::size_t got = 0;
  auto last = std::chrono::steady_clock::now();
  CHECK(served.until([&] {
    if (std::chrono::steady_clock::now() - last > milliseconds(1)) {
      last = std::chrono::steady_clock::now();
      const ssize_t now = ::recv(served.client, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (now > 0) got += static_cast<std::size_t>(now);
    }
    return got > kMuch;
  }));
  CHECK_FALSE(served.failed);
}

namespace {

/// Answers while the 100 that its body waits for cannot be sent yet.
struct Hasty {
  Task<void> exchange(http::ServerStream& one) {
    spawn(loop.io, read(one));
    http::ResponseHead head;
    head.status = 413;
    head.body = {Kind::kExact, 0};
    co_await one.send_head(head, http::Chunk{{}, true});
    one.request_body().abandon();
    if (!ended) co_await left.wait();
  }
  Task<void> read(http::ServerStream& one) {
    co_await one.request_body().read();
    ended = true;
    left.notify();
  }

  Loop loop{0, 1};
  Event left;
  bool ended = false;
};

}  // namespace

TEST_CASE("an answer waits for the 100 that is on its way", "[http1][protocol]") {
  Hasty hasty;
  Ends ends;
  const int buffer = 16 * 1024;
  ::setsockopt(ends.ours, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  ::setsockopt(ends.theirs, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  // An answer before that the client has not taken.
  const std::string much(4096, 'x');
  std::size_t before = 0;
  ssize_t sent = 0;
  while ((sent = ::send(ends.theirs, much.data(), much.size(), MSG_DONTWAIT)) > 0)
    before += static_cast<std::size_t>(sent);
  net::PlainStream stream(net::Socket(hasty.loop.io, ends.theirs, true));
  HttpStats stats;
  server::Http1Connection::History history;
  server::Http1Connection connection(
      hasty.loop, stream, stats, [&](http::ServerStream& one) { return hasty.exchange(one); }, {},
      history);
  bool over = false;
  const auto serve = [](server::Http1Connection& one, bool& done) -> Task<void> {
    co_await one.serve();
    done = true;
  };
  spawn(hasty.loop.io, serve(connection, over));
  const std::string_view head =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
  ::send(ends.ours, head.data(), head.size(), 0);
  for (int i = 0; i < 20; ++i) hasty.loop.turn(milliseconds(2));
  CHECK_FALSE(hasty.ended);
  std::string got;
  CHECK(drive(
      hasty.loop,
      [&] {
        char bytes[65536];
        const ssize_t now = ::recv(ends.ours, bytes, sizeof bytes, MSG_DONTWAIT);
        if (now > 0) got.append(bytes, static_cast<std::size_t>(now));
      },
      [&] { return over; }));
  CHECK(hasty.ended);
  ::close(ends.ours);
  const std::string answers = got.substr(std::min(before, got.size()));
  CHECK(answers.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 "));
}
