#include "proxy/upstream/http2_client.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "proxy/http2/error.h"
#include "proxy/server/http2_connection.h"
#include "proxy/upstream/error.h"
#include "tests/protocol/loopback.h"

using namespace tidegate;
using namespace tidegate::test;
using Kind = http::BodyLength::Kind;
using std::chrono::milliseconds;

namespace {

/// One request, and what came of it: "STATUS BODY|TRAILERS", as far as it came.
struct Attempt {
  std::string result;
  bool done = false;

  static Task<void> run(Attempt& self, std::unique_ptr<http::ClientStream> stream,
                        std::string body) {
    self.failed = co_await self.exchange(*stream, body);
    stream.reset();
    self.done = true;
  }
  error_code failed;

 private:
  Task<error_code> exchange(http::ClientStream& stream, std::string body) {
    http::RequestHead head;
    head.method = body.empty() ? "GET" : "POST";
    head.scheme = "http";
    head.authority = "example.com";
    head.path = "/";
    if (!body.empty()) head.body = {Kind::kExact, body.size()};
    const http::Chunk all{{body.data(), body.size()}, true};
    if (error_code unsent = co_await stream.send_head(head, all)) co_return unsent;
    Result<http::ResponseHead*> answer = co_await stream.receive_head();
    if (!answer) co_return answer.error();
    result = std::to_string((*answer)->status) + " ";
    while (true) {
      Result<http::Chunk> chunk = co_await stream.response_body().read();
      if (!chunk) co_return chunk.error();
      result.append(chunk->bytes.data(), chunk->bytes.size());
      if (chunk->end) break;
    }
    result += "|";
    if (const http::Fields* trailers = stream.response_body().trailers()) {
      for (const http::Field& field : *trailers)
        result.append(field.name).append("=").append(field.value);
    }
    co_return error_code{};
  }
};

/// Our client, and what it talks to at the other end.
struct Asking {
  explicit Asking(milliseconds idle_timeout = milliseconds(60000),
                  const std::optional<Http2Keepalive>& keepalive = std::nullopt,
                  milliseconds duration_max = milliseconds(0)) {
    upstream_fd = ends.theirs;
    auto stream = std::make_unique<net::PlainStream>(net::Socket(loop.io, ends.ours, false));
    client =
        std::make_unique<upstream::Http2Client>(std::move(stream), loop, stats, idle_timeout,
                                                http2::upstream_limits(), keepalive, duration_max);
    client->start();
  }
  bool ask(Attempt& attempt, std::string body = {}) {
    std::unique_ptr<http::ClientStream> stream = client->open();
    if (!stream) return false;
    spawn(loop.io, Attempt::run(attempt, std::move(stream), std::move(body)));
    return true;
  }
  ~Asking() {
    client.reset();
    CHECK(drive(loop, [] {}, [this] { return stats.upstream_cx_active.get() == 0; }));
  }

  Loop loop{0, 1};
  Ends ends;
  int upstream_fd = -1;
  ClusterStats stats;
  std::unique_ptr<upstream::Http2Client> client;
};

/// A scripted upstream.
struct Scripted : Asking {
  explicit Scripted(milliseconds idle_timeout = milliseconds(60000),
                    const std::optional<Http2Keepalive>& keepalive = std::nullopt,
                    milliseconds duration_max = milliseconds(0))
      : Asking(idle_timeout, keepalive, duration_max) {
    upstream.script.settings();
  }
  template <class Fact>
  bool until(Fact fact) {
    return drive(loop, [this] { upstream.turn(); }, fact);
  }
  WiredPeer upstream{Http2Peer::Side::kServer, upstream_fd};
};

Task<void> echo(http::ServerStream& stream) {
  http::ResponseHead head;
  head.status = 200;
  head.body.kind = Kind::kUnknown;
  const http::Chunk nothing;
  error_code failed = co_await stream.send_head(head, nothing);
  while (!failed) {
    Result<http::Chunk> chunk = co_await stream.request_body().read();
    if (!chunk) co_return;
    http::Chunk part{chunk->bytes, false};
    if (!part.bytes.empty()) failed = co_await stream.send_body(part);
    if (chunk->end) break;
  }
  http::Fields trailers;
  trailers.append("sum", "42");
  if (!failed) co_await stream.send_trailers(trailers);
}

}  // namespace

TEST_CASE("many exchanges share one upstream connection", "[http2][protocol]") {
  HttpStats served;
  Asking asking;
  net::PlainStream stream(net::Socket(asking.loop.io, asking.upstream_fd, true));
  server::Http2Connection connection(stream, asking.loop.io, asking.loop.wheel, asking.loop.buffers,
                                     served, echo, {});
  bool over = false;
  auto serve = [](server::Http2Connection& one, net::Stream& on, bool& ended) -> Task<void> {
    co_await one.serve({});
    on.close();
    ended = true;
  };
  spawn(asking.loop.io, serve(connection, stream, over));
  std::vector<Attempt> attempts(60);
  std::string large(200 * 1024, 'x');  // the client reads when all is sent: the windows have room
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    REQUIRE(asking.ask(attempts[i], i % 20 == 0 ? large : "body " + std::to_string(i)));
  }
  CHECK(drive(
      asking.loop, [] {},
      [&] {
        return std::all_of(attempts.begin(), attempts.end(),
                           [](const Attempt& one) { return one.done; });
      }));
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    const bool whole = attempts[i].result ==
                       "200 " + (i % 20 == 0 ? large : "body " + std::to_string(i)) + "|sum=42";
    CHECK(whole);
  }
  CHECK(asking.client->active() == 0);
  CHECK(asking.client->usable());
  CHECK(served.downstream_rq_http2_total.get() == 60);
  asking.client.reset();
  CHECK(drive(asking.loop, [] {}, [&] { return over; }));
}

TEST_CASE("what was certainly not processed may be tried again", "[http2][protocol][rfc9113-8.7]") {
  Scripted asking;
  Attempt first, second;
  REQUIRE(asking.ask(first));
  REQUIRE(asking.ask(second));
  CHECK(asking.until([&] { return asking.upstream.script.knows(3); }));
  SECTION("GOAWAY below its stream") {
    asking.upstream.script.go_away(1);
    CHECK(asking.until([&] { return second.done; }));
    CHECK(!asking.client->usable());
    CHECK(!first.done);
    asking.upstream.script.respond(1, {{":status", "204"}});
    CHECK(asking.until([&] { return first.done; }));
    CHECK(first.result == "204 |");
    CHECK(asking.until([&] { return asking.upstream.closed; }));
  }
  SECTION("REFUSED_STREAM") {
    asking.upstream.script.reset(3, NGHTTP2_REFUSED_STREAM);
    CHECK(asking.until([&] { return second.done; }));
    CHECK(asking.client->usable());
    asking.upstream.script.respond(1, {{":status", "204"}});
    CHECK(asking.until([&] { return first.done; }));
  }
  CHECK(http2::retry_safe(second.failed));
}

TEST_CASE("failures of an upstream have the names that HTTP/1's have", "[http2][protocol]") {
  Scripted asking;
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  error_code expected = upstream::Error::kReset;
  SECTION("a reset") { asking.upstream.script.reset(1, NGHTTP2_INTERNAL_ERROR); }
  SECTION("the connection's end") { asking.upstream.hang_up(); }
  SECTION("a body that breaks off") {
    asking.upstream.script.respond(1, {{":status", "200"}}, true);
    asking.upstream.script.send(1, "part", false);
    CHECK(asking.until([&] { return attempt.result == "200 part"; }));
    asking.upstream.hang_up();
  }
  SECTION("a head that is none") {
    asking.upstream.script.respond(1, {{"a", "b"}});
    expected = upstream::Error::kBadResponse;
  }
  SECTION("no HTTP/2") {
    asking.upstream.send_raw("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    expected = upstream::Error::kBadResponse;
  }
  CHECK(asking.until([&] { return attempt.done; }));
  CHECK(attempt.failed == expected);
}

TEST_CASE("an exchange that gives up resets its stream", "[http2][protocol]") {
  Scripted asking;
  Attempt attempt;
  std::unique_ptr<http::ClientStream> stream = asking.client->open();
  http::ClientStream& given_up = *stream;
  spawn(asking.loop.io, Attempt::run(attempt, std::move(stream), {}));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  given_up.cancel(upstream::Error::kTimeout);
  CHECK(asking.until([&] { return attempt.done && asking.upstream.script.heard(1).reset >= 0; }));
  CHECK(attempt.failed == upstream::Error::kTimeout);
  CHECK(asking.upstream.script.heard(1).reset == NGHTTP2_CANCEL);
  CHECK(asking.client->usable());
  CHECK(!asking.client->open()->answered());
  CHECK(asking.client->open()->reused());
}

TEST_CASE("streams go on when their pool has let the connection go", "[http2][protocol]") {
  Scripted asking;
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  asking.client.reset();
  asking.upstream.script.respond(1, {{":status", "200"}}, true);
  asking.upstream.script.send(1, "whole", true);
  CHECK(asking.until([&] { return attempt.done; }));
  CHECK(attempt.result == "200 whole|");
  CHECK(asking.until([&] { return asking.upstream.closed; }));
}

TEST_CASE("a connection to an upstream that is not used ends", "[http2][protocol]") {
  Scripted asking(milliseconds(40));
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  asking.upstream.script.respond(1, {{":status", "204"}});
  CHECK(asking.until([&] { return attempt.done; }));
  CHECK(asking.until([&] { return asking.upstream.closed; }));
  CHECK(!asking.client->usable());
  CHECK(asking.stats.upstream_cx_idle_timeout.get() == 1);
  // It counts no longer, though its pool may hold it until somebody asks for it.
  CHECK(asking.until([&] { return asking.stats.upstream_cx_active.get() == 0; }));
}

TEST_CASE("an upstream that answers PINGs keeps its connection", "[http2][protocol]") {
  Http2Keepalive keepalive;
  keepalive.timeout = milliseconds(200);
  keepalive.interval = milliseconds(20);
  Scripted asking(milliseconds(60000), keepalive);
  CHECK(asking.until([&] { return asking.upstream.script.pings() >= 3; }));
  CHECK(asking.client->usable());
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  asking.upstream.script.respond(1, {{":status", "204"}});
  CHECK(asking.until([&] { return attempt.done; }));
  CHECK(attempt.result == "204 |");
  CHECK(asking.stats.http2.keepalive_timeout.get() == 0);
}

TEST_CASE("a connection whose peer answers no PING ends with its exchanges", "[http2][protocol]") {
  Http2Keepalive keepalive;
  keepalive.timeout = milliseconds(60);
  keepalive.interval = milliseconds(30);
  Scripted asking(milliseconds(60000), keepalive);
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  // From here on nobody reads at the other end.
  CHECK(drive(asking.loop, [] {}, [&] { return attempt.done; }));
  CHECK(attempt.failed == upstream::Error::kReset);
  CHECK(!asking.client->usable());
  CHECK(asking.stats.http2.keepalive_timeout.get() == 1);
  CHECK(asking.until([&] { return asking.upstream.closed; }));
}

TEST_CASE("bytes of any kind put off the end that a late PING has", "[http2][protocol]") {
  Http2Keepalive keepalive;
  keepalive.timeout = milliseconds(150);
  keepalive.interval = milliseconds(20);
  Scripted asking(milliseconds(60000), keepalive);
  CHECK(asking.until([&] { return asking.upstream.script.pings() >= 1; }));
  // PINGs of its own, and no answers: what we send is not read any more.
  const auto begin = std::chrono::steady_clock::now();
  auto next = begin;
  CHECK(drive(
      asking.loop,
      [&] {
        const auto now = std::chrono::steady_clock::now();
        if (now < next) return;
        next = now + milliseconds(40);
        asking.upstream.send_raw(Http2Peer::raw_frame(NGHTTP2_PING, 0, 0, "12345678"));
        asking.upstream.turn(false);
      },
      [&] { return std::chrono::steady_clock::now() - begin > milliseconds(600); }));
  CHECK(asking.client->usable());
  CHECK(drive(asking.loop, [] {}, [&] { return !asking.client->usable(); }));
  CHECK(asking.stats.http2.keepalive_timeout.get() == 1);
}

TEST_CASE("after silence a request has a PING before it", "[http2][protocol]") {
  Http2Keepalive keepalive;
  keepalive.timeout = milliseconds(100);
  keepalive.idle = milliseconds(50);
  Scripted asking(milliseconds(60000), keepalive);
  Attempt first, second;
  REQUIRE(asking.ask(first));
  CHECK(asking.until([&] { return asking.upstream.script.knows(1); }));
  asking.upstream.script.respond(1, {{":status", "204"}});
  CHECK(asking.until([&] { return first.done; }));
  CHECK(asking.upstream.script.pings() == 0);
  const auto silent_until = std::chrono::steady_clock::now() + milliseconds(100);
  CHECK(asking.until([&] { return std::chrono::steady_clock::now() > silent_until; }));
  CHECK(asking.upstream.script.pings() == 0);  // without an interval nothing goes by itself
  REQUIRE(asking.ask(second));
  SECTION("answered") {
    CHECK(asking.until([&] { return asking.upstream.script.knows(3); }));
    CHECK(asking.upstream.script.pings() == 1);
    asking.upstream.script.respond(3, {{":status", "204"}});
    CHECK(asking.until([&] { return second.done; }));
    CHECK(second.result == "204 |");
  }
  SECTION("not answered") {
    CHECK(drive(asking.loop, [] {}, [&] { return second.done; }));
    CHECK(second.failed == upstream::Error::kReset);
    CHECK(!asking.client->usable());
  }
}

TEST_CASE("a connection whose time is over takes no more, and ends with its last exchange",
          "[http2][protocol]") {
  Scripted asking(milliseconds(60000), std::nullopt, milliseconds(40));
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return !asking.client->usable(); }));
  CHECK(asking.upstream.script.knows(1));
  CHECK(!attempt.done);
  CHECK(!asking.upstream.closed);
  asking.upstream.script.respond(1, {{":status", "204"}});
  CHECK(asking.until([&] { return attempt.done && asking.upstream.closed; }));
  CHECK(attempt.result == "204 |");
  CHECK(asking.stats.upstream_cx_max_duration_reached.get() == 1);
}

TEST_CASE("a slow reader of one answer does not hold up the others", "[http2][protocol]") {
  Scripted asking;
  std::vector<std::unique_ptr<http::ClientStream>> slow;
  auto head_only = [](http::ClientStream& stream, int& sent) -> Task<void> {
    http::RequestHead head;
    head.method = "GET";
    head.authority = "example.com";
    head.path = "/";
    const http::Chunk end{{}, true};
    co_await stream.send_head(head, end);
    ++sent;
  };
  int sent = 0;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(asking.client->open());
    spawn(asking.loop.io, head_only(*slow.back(), sent));
  }
  CHECK(asking.until([&] { return asking.upstream.script.knows(59); }));
  for (int id = 1; id < 60; id += 2) {
    asking.upstream.script.respond(id, {{":status", "200"}}, true);
    asking.upstream.script.send(id, std::string(1024 * 1024, 'x'), true);
  }
  Attempt attempt;
  REQUIRE(asking.ask(attempt));
  CHECK(asking.until([&] { return asking.upstream.script.knows(61); }));
  asking.upstream.script.respond(61, {{":status", "200"}}, true);
  asking.upstream.script.send(61, "quick", true);
  CHECK(asking.until([&] { return attempt.done; }));
  CHECK(attempt.result == "200 quick|");
}
