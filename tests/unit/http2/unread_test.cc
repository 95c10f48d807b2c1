#include <catch2/catch.hpp>

#include "tests/unit/http2/sides.h"

/// Peers that do not read, give no window, or answer before they have read.
using namespace tidegate;
using namespace tidegate::test;

TEST_CASE("refusals of streams end the connection, whether they are taken or not", "[http2]") {
  const bool taken = GENERATE(false, true);
  http2::Limits limits;
  limits.output_bytes = 1024;
  limits.concurrent_streams = 1;
  if (!taken) limits.empty_frames_max = 1000000;  // who takes his time holds memory all the same
  Side server(http2::Role::kServer, limits);
  Http2Peer client(Http2Peer::Side::kClient);
  client.settings();
  error_code failed = server.take(client.give());
  std::int32_t id = 1;
  for (; id < 6000 && !failed; id += 2) {
    const std::string open = Http2Peer::raw_frame(1, 5, id,
                                                  id == 1 ? "\x82\x86\x84\x41\x01"
                                                            "a"
                                                          : "");
    failed = taken ? server.take(open) : server.session.feed(open);
  }
  CHECK(failed == http2::Error::kFlood);
  CHECK(id > 1500);  // so many are no attack
}

TEST_CASE("an upgrade does not wait for a place that the peer does not give", "[http2]") {
  Side client(http2::Role::kClient);
  Http2Peer server(Http2Peer::Side::kServer);
  std::unique_ptr<http2::Stream> stream = client.session.open();
  error_code failed;
  auto ask = [](http2::Stream& out, error_code& why) -> Task<void> {
    http::RequestHead head = get("/chat");
    head.upgrade = "websocket";
    why = co_await out.send_head(head, {{}, true});
  };
  client.spawn(ask(*stream, failed));  // waits for the settings
  server.settings({{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
                   {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}});
  REQUIRE(!client.take(server.give()));
  client.turn();
  CHECK(failed == http2::Error::kNotUsable);
  CHECK(http2::retry_safe(failed));
}

TEST_CASE("trailers do not wait for a window", "[http2][rfc9113-5.2.1]") {
  Scripted link({}, true);
  const bool of_connection = GENERATE(false, true);
  if (!of_connection) link.client.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 20000}});
  const std::int32_t id = link.client.request(Http2Peer::get());
  link.settle();
  REQUIRE(link.server.requests.size() == 1);
  link.server.spawn(send(link.request(0), ok(), "", false));
  error_code result = http2::Error::kIdle;
  auto answer = [](http2::Stream& out, std::size_t size, error_code& how) -> Task<void> {
    const std::string body(size, 'x');
    how = co_await out.send_body({{body.data(), body.size()}, false});
    http::Fields trailers;
    trailers.append("grpc-status", "0");
    if (!how) how = co_await out.send_trailers(trailers);
  };
  const std::size_t all = of_connection ? 65535 : 20000;
  link.server.spawn(answer(link.request(0), all, result));
  link.settle();
  CHECK(!result);
  CHECK(link.client.heard(id).body.size() == all);
  CHECK(link.client.heard(id).field("grpc-status", 1) == "0");
  CHECK(link.client.heard(id).ended);
  link.server.requests.clear();
  link.client.window(id, all);
  CHECK(!link.settle());
  CHECK(link.client.heard(id).reset == -1);
  CHECK(link.server.session.active() == 0);
}

TEST_CASE("an answer that is whole is heard, though the request is not", "[http2][rfc9113-8.1]") {
  const bool resets = GENERATE(false, true);
  Side client(http2::Role::kClient);
  Http2Peer server(Http2Peer::Side::kServer, true);
  server.settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
  REQUIRE(!client.take(server.give()));
  std::unique_ptr<http2::Stream> stream = client.session.open();
  std::string heard;
  auto ask = [](http2::Stream& out, std::string& got) -> Task<void> {
    http::RequestHead head = get();
    head.method = "POST";
    head.body = {http::BodyLength::Kind::kExact, 100};
    const std::string body(50, 'x');
    const error_code failed = co_await out.send_head(head, {{body.data(), body.size()}, false});
    got = failed ? failed.message() : "sent ";
    Result<http::ResponseHead*> answer = co_await out.receive_head();
    if (!answer) co_return;
    got += std::to_string((*answer)->status) + " ";
    // What is left must not follow a gap.
    const error_code more = co_await out.send_body({{body.data(), body.size()}, true});
    got += more ? "no more " : "more ";
    co_await read_all(out, got);
  };
  client.spawn(ask(*stream, heard));
  server.take(client.give());
  CHECK(heard.empty());
  server.respond(1, {{":status", "413"}, {"content-length", "0"}});
  std::string said = server.give();
  if (resets) said += Http2Peer::raw_frame(3, 0, 1, std::string("\0\0\0\0", 4));
  REQUIRE(!client.take(said));
  client.turn();
  CHECK(heard == "sent 413 no more |");
  stream.reset();
  client.turn();
  server.take(client.give());
  CHECK(server.heard(1).body.size() == 10);
}

TEST_CASE("an answer comes ahead of the reset that its request's body gets",
          "[http2][rfc9113-8.1]") {
  http2::Limits limits;
  limits.output_bytes = 1024;
  Scripted link(limits, true);
  SECTION("of a request that is refused") {
    Http2Peer::Fields fields = Http2Peer::get();
    fields.emplace_back("expect", "miracles");
    const std::int32_t id = link.client.request(fields, true);
    CHECK(!link.settle());
    CHECK(link.client.heard(id).status() == "417");
    CHECK(link.client.heard(id).ended);
    CHECK(link.client.heard(id).reset == NGHTTP2_NO_ERROR);
  }
  SECTION("where the output is full") {
    const std::int32_t large = link.client.request(Http2Peer::get());
    const std::int32_t id = link.client.request(Http2Peer::get(), true);
    REQUIRE(!link.settle());
    REQUIRE(link.server.requests.size() == 2);
    http::ResponseHead head = ok();
    const std::string value(4000, 'x');
    head.fields.append("large", value);
    auto both = [](Scripted& all, const http::ResponseHead& first) -> Task<void> {
      http::ResponseHead second = ok({});
      second.status = 204;
      co_await all.request(0).send_head(first, {{}, false});
      co_await all.request(1).send_head(second, {{}, true});
      all.server.requests.pop_back();
    };
    spawn(link.server.io, both(link, head));
    link.server.io.restart();
    link.server.io.poll();
    CHECK(!link.settle());
    CHECK(link.client.heard(large).status() == "200");
    CHECK(link.client.heard(id).status() == "204");
    CHECK(link.client.heard(id).ended);
    CHECK(link.client.heard(id).reset == NGHTTP2_NO_ERROR);
    link.server.requests.clear();
    CHECK(!link.settle());
  }
}
