#include <catch2/catch.hpp>

#include "proxy/server/http2_connection.h"
#include "tests/protocol/loopback.h"

using namespace tidegate;
using namespace tidegate::test;
using Kind = http::BodyLength::Kind;
using std::chrono::milliseconds;

namespace {

/// What the exchanges of a connection do, by path, and what became of them.
struct Exchanges {
  int running = 0;
  int finished = 0;
  std::uint64_t received = 0;
  std::string ended;  // how a request's body ended, of the last one
  Event go_on;

  Task<void> run(http::ServerStream& stream) {
    ++running;
    const std::string path(stream.request().path);
    if (path == "/wait") {
      Watch watch(go_on);
      stream.watch_client(&watch);
      co_await go_on.wait();
      stream.watch_client(nullptr);
    } else if (path == "/large") {
      co_await large(stream);
    } else {
      if (path == "/later") co_await go_on.wait();
      co_await echo(stream);
    }
    --running;
    ++finished;
  }

 private:
  struct Watch final : http::ServerStream::Watcher {
    explicit Watch(Event& event_in) : event(event_in) {}
    void client_gone() override { event.notify(); }
    Event& event;
  };

  Task<void> large(http::ServerStream& stream) {
    std::string block(64 * 1024, 'x');
    http::ResponseHead head;
    head.status = 200;
    head.body = {Kind::kExact, block.size() * 256};
    const http::Chunk nothing;
    error_code failed = co_await stream.send_head(head, nothing);
    for (int i = 1; i <= 256 && !failed; ++i) {
      const http::Chunk chunk{{block.data(), block.size()}, i == 256};
      failed = co_await stream.send_body(chunk);
    }
    ended = failed ? failed.message() : "sent";
  }

  Task<void> echo(http::ServerStream& stream) {
    http::ResponseHead head;
    head.status = 200;
    head.body.kind = Kind::kUnknown;
    const http::Chunk nothing;
    error_code failed = co_await stream.send_head(head, nothing);
    while (!failed) {
      Result<http::Chunk> chunk = co_await stream.request_body().read();
      if (!chunk) {
        ended = chunk.error().message();
        stream.abort();
        co_return;
      }
      received += chunk->bytes.size();
      const http::Fields* trailers = chunk->end ? stream.request_body().trailers() : nullptr;
      http::Chunk part = *chunk;
      if (trailers) part.end = false;
      failed = co_await stream.send_body(part);
      if (trailers) failed = co_await stream.send_trailers(*trailers);
      if (chunk->end) break;
    }
    ended = failed ? failed.message() : "end";
  }
};

struct Served {
  explicit Served(const server::Http2Connection::Options& options = {}, bool own_windows = false,
                  int small_buffer = 0) {
    Ends ends;
    if (small_buffer > 0) {
      ::setsockopt(ends.ours, SOL_SOCKET, SO_RCVBUF, &small_buffer, sizeof small_buffer);
      ::setsockopt(ends.theirs, SOL_SOCKET, SO_SNDBUF, &small_buffer, sizeof small_buffer);
    }
    client = std::make_unique<WiredPeer>(Http2Peer::Side::kClient, ends.ours, own_windows);
    stream = std::make_unique<net::PlainStream>(net::Socket(loop.io, ends.theirs, true));
    connection = std::make_unique<server::Http2Connection>(
        *stream, loop.io, loop.wheel, loop.buffers, stats,
        [this](http::ServerStream& one) { return exchanges.run(one); }, options);
    spawn(loop.io, serve());
  }
  Task<void> serve() {
    co_await connection->serve({});
    stream->close();
    over = true;
  }
  template <class Fact>
  bool until(Fact fact, bool read = true) {
    return drive(loop, [this, read] { client->turn(read); }, fact);
  }
  ~Served() {
    if (!over) connection->close();
    exchanges.go_on.notify();
    CHECK(until([this] { return over; }));
    CHECK(exchanges.running == 0);
    CHECK(stats.downstream_cx_http2_active.get() == 0);
  }

  Loop loop{0, 1};
  HttpStats stats;
  Exchanges exchanges;
  std::unique_ptr<WiredPeer> client;
  std::unique_ptr<net::PlainStream> stream;
  std::unique_ptr<server::Http2Connection> connection;
  bool over = false;
};

}  // namespace

TEST_CASE("requests on one connection are answered side by side", "[http2][protocol]") {
  Served served;
  Http2Peer& client = served.client->script;
  client.settings();
  const std::int32_t held = client.request(Http2Peer::get("/wait"));
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(client.request(Http2Peer::get("/a"), true));
  for (std::int32_t id : ids) client.send(id, "body " + std::to_string(id), true);
  CHECK(served.until(
      [&] { return client.heard(ids.back()).ended && served.exchanges.finished == 50; }));
  for (std::int32_t id : ids) {
    CHECK(client.heard(id).status() == "200");
    CHECK(client.heard(id).body == "body " + std::to_string(id));
    CHECK(client.heard(id).field("date") != "(none)");
  }
  CHECK(!client.knows(held));
  CHECK(served.stats.downstream_rq_http2_total.get() == 51);
}

TEST_CASE("a large body and its trailers come back whole", "[http2][protocol]") {
  Served served;
  Http2Peer& client = served.client->script;
  client.settings();
  const std::int32_t id = client.request(Http2Peer::get("/"), true);
  std::string body(8 * 1024 * 1024, 'x');
  for (std::size_t i = 0; i < body.size(); i += 1000)
    body[i] = static_cast<char>('a' + i / 1000 % 26);
  client.send(id, body, false);
  client.end_with(id, {{"sum", "42"}});
  CHECK(served.until([&] { return client.heard(id).ended; }));
  CHECK(client.heard(id).body == body);
  CHECK(client.heard(id).field("sum", 1) == "42");
}

TEST_CASE("a client that does not read holds up its answer, not the memory", "[http2][protocol]") {
  const bool by_window = GENERATE(true, false);
  Served served({}, by_window, 16 * 1024);
  Http2Peer& client = served.client->script;
  client.settings();
  if (!by_window) client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0x7fffffff}});
  const std::int32_t id = client.request(Http2Peer::get("/large"));
  const std::int32_t other = client.request(Http2Peer::get("/"));
  if (by_window) {
    CHECK(served.until([&] {
      return client.heard(id).body.size() == 65535 && client.heard(other).ended == false;
    }));
    std::size_t given = 0;
    CHECK(served.until([&] {
      const std::size_t now = client.heard(id).body.size();
      client.window(id, now - given);
      given = now;
      return client.heard(id).ended;
    }));
  } else {
    int turns = 0;
    CHECK(served.until([&] { return ++turns == 300; }, false));  // it sends, and takes nothing
    CHECK(served.exchanges.ended.empty());
    CHECK(served.stats.downstream_cx_tx_bytes_total.get() < 4 * 1024 * 1024);
    CHECK(served.until([&] { return client.heard(id).ended; }));
  }
  CHECK(client.heard(id).body.size() == 16 * 1024 * 1024);
  CHECK(served.exchanges.ended == "sent");
}

TEST_CASE("a client that resets, or goes, ends its exchange", "[http2][protocol]") {
  Served served;
  Http2Peer& client = served.client->script;
  client.settings();
  const std::int32_t waiting = client.request(Http2Peer::get("/wait"));
  const std::int32_t reading = client.request(Http2Peer::get("/"), true);
  client.send(reading, "part", false);
  CHECK(served.until(
      [&] { return served.exchanges.running == 2 && client.heard(reading).body == "part"; }));
  SECTION("by RST_STREAM") {
    client.reset(reading);
    CHECK(served.until([&] { return served.exchanges.finished == 1; }));
    CHECK(served.exchanges.ended == "the peer reset the stream");
    client.reset(waiting);
    CHECK(served.until([&] { return served.exchanges.finished == 2; }));
    CHECK(!served.over);
  }
  SECTION("by closing the connection") {
    served.client->hang_up();
    CHECK(served.until([&] { return served.over; }));
    CHECK(served.exchanges.finished == 2);
  }
  SECTION("and so does our closing it") {
    served.connection->close();
    CHECK(served.until([&] { return served.over; }));
    CHECK(served.exchanges.finished == 2);
  }
}

TEST_CASE("rapid resets end the connection", "[http2][protocol][cve-2023-44487]") {
  Served served;
  Http2Peer& client = served.client->script;
  client.settings();
  int sent = 0;
  CHECK(served.until([&] {
    if (sent < 1000 && client.goaways().empty()) {
      const std::int32_t id = client.request(Http2Peer::get("/wait"));
      served.client->send_raw(client.give());
      client.reset(id);
      served.client->send_raw(client.give());
      ++sent;
    }
    return served.client->closed;
  }));
  REQUIRE(!client.goaways().empty());
  CHECK(client.goaways().back().second == NGHTTP2_ENHANCE_YOUR_CALM);
  served.client->hang_up();
  CHECK(served.until([&] { return served.over; }));
  CHECK(served.exchanges.running == 0);
  CHECK(served.stats.downstream_rq_too_many_premature_resets.get() == 1);
}

TEST_CASE("garbage after the preface is answered with GOAWAY and the end", "[http2][protocol]") {
  Served served;
  Http2Peer& client = served.client->script;
  client.settings();
  const std::int32_t id = client.request(Http2Peer::get("/wait"));
  CHECK(served.until([&] { return served.exchanges.running == 1; }));
  served.client->send_raw("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
  CHECK(served.until([&] { return served.client->closed; }));
  REQUIRE(!client.goaways().empty());
  CHECK(client.goaways().back().second != NGHTTP2_NO_ERROR);
  CHECK(!client.knows(id));
  served.client->hang_up();
  CHECK(served.until([&] { return served.over; }));
  CHECK(served.exchanges.finished == 1);
  CHECK(served.stats.downstream_cx_protocol_error.get() == 1);
}

TEST_CASE("a drain ends the connection with its last answer", "[http2][protocol][rfc9113-6.8]") {
  Served served;
  Http2Peer& client = served.client->script;
  client.settings();
  const std::int32_t id = client.request(Http2Peer::get("/later"));
  CHECK(served.until([&] { return served.exchanges.running == 1; }));
  served.connection->drain();
  CHECK(served.until([&] { return client.goaways().size() == 2; }));
  CHECK(client.goaways()[0].first == 0x7fffffff);
  CHECK(client.goaways()[1].first == id);
  CHECK(!served.over);
  served.exchanges.go_on.notify();
  CHECK(served.until([&] { return served.client->closed; }));
  CHECK(client.heard(id).ended);
  served.client->hang_up();
  CHECK(served.until([&] { return served.over; }));
  CHECK(served.stats.downstream_cx_drain_close.get() == 1);
}

TEST_CASE("a connection without streams ends after its idle timeout", "[http2][protocol]") {
  server::Http2Connection::Options options;
  options.idle_timeout = milliseconds(50);
  Served served(options);
  Http2Peer& client = served.client->script;
  client.settings();
  const std::int32_t id = client.request(Http2Peer::get("/later"));
  CHECK(served.until([&] { return served.exchanges.running == 1; }));
  const auto start = std::chrono::steady_clock::now();
  CHECK(served.until([&] { return std::chrono::steady_clock::now() - start > milliseconds(150); }));
  CHECK(!served.client->closed);
  served.exchanges.go_on.notify();
  CHECK(served.until([&] { return served.client->closed; }));
  CHECK(client.heard(id).ended);
  REQUIRE(client.goaways().size() == 1);
  CHECK(client.goaways()[0].second == NGHTTP2_NO_ERROR);
  CHECK(served.stats.downstream_cx_idle_timeout.get() == 1);
}

TEST_CASE("a client that takes nothing, or sends nothing, is given up", "[http2][protocol]") {
  server::Http2Connection::Options options;
  options.send_timeout = milliseconds(200);
  options.body_timeout = milliseconds(400);
  options.idle_timeout = milliseconds(100);
  Served served(options);
  Http2Peer& client = served.client->script;
  const auto start = std::chrono::steady_clock::now();
  SECTION("its window stays shut") {
    client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
    const std::int32_t id = client.request(Http2Peer::get("/large"));
    CHECK(served.until([&] { return client.heard(id).reset >= 0; }));
    CHECK(client.heard(id).reset == NGHTTP2_CANCEL);
    CHECK(std::chrono::steady_clock::now() - start >= milliseconds(200));
  }
  SECTION("its body does not come") {
    client.settings();
    const std::int32_t id = client.request(Http2Peer::get("/"), true);
    CHECK(served.until([&] { return client.heard(id).reset >= 0; }));
    CHECK(client.heard(id).reset == NGHTTP2_CANCEL);
    CHECK(std::chrono::steady_clock::now() - start >= milliseconds(400));
  }
  CHECK(served.until([&] { return served.exchanges.running == 0; }));
  CHECK(served.stats.downstream_rq_idle_timeout.get() == 1);
  CHECK(served.until([&] { return served.client->closed; }));
}
